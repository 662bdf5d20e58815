import { type ComponentType, useEffect } from "react";
import { useSession } from "@/features/session/queries";
import { persist } from "@/store/persist";
import { Page } from "@/ui/page";
import { EmptyState } from "@/ui/states";
import { useBuild } from "./build-context";

/**
 * A page whose code is loaded when it is first shown. If the code cannot be loaded, because the server is away or has another
 * build, the shell stays, and the document is loaded again at its URL as soon as the server has it.
 */
export function lazyPage<Name extends string>(
  load: () => Promise<Record<Name, ComponentType>>,
  name: Name,
) {
  let Loaded: ComponentType | undefined;
  let isMissing = false;
  const preload = async () => {
    // No second try in this document: the browser remembers modules and styles that it could not load.
    if (Loaded || isMissing) return;
    try {
      Loaded = (await load())[name];
    } catch {
      isMissing = true;
    }
  };
  // biome-ignore lint/correctness/noComponentHookFactories: called once for each route, outside of components.
  const LazyPage = () => (Loaded ? <Loaded /> : <Missing />);
  return Object.assign(LazyPage, { preload });
}

function Missing() {
  const build = useBuild();
  const { refetch } = useSession();
  // A call shows whether the server is away or only the file is absent.
  useEffect(() => void refetch(), [refetch]);
  useEffect(() => {
    let stop = () => {};
    let isLeft = false;
    void build.reload().then((isReloading) => {
      if (!isReloading && !isLeft) stop = persist(() => build.reload());
    });
    return () => {
      isLeft = true;
      stop();
    };
  }, [build]);
  return (
    <Page title="Loading">
      <EmptyState title="This page could not be loaded yet">
        <p role="status">
          The server did not send the code of this page. It is loaded as soon as the server has it.
        </p>
      </EmptyState>
    </Page>
  );
}
