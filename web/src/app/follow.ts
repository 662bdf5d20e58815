import type { QueryClient } from "@tanstack/react-query";
import type { StreamSlot } from "@/live/slot";
import type { Reachability } from "@/rpc/reachability";
import { onReturn } from "@/rpc/reachability-context";
import { persist } from "@/store/persist";
import type { Build } from "./build";
import type { AppRouter } from "./router";

/** A navigation loads the document anew only if it is known by then that there is another build. */
const decisionMs = 1000;

/** Asks for a response while the server is away: a page without a stream would never learn that it is back. */
export function askWhileAway(reachability: Reachability, ask: () => Promise<unknown>): () => void {
  let stop: (() => void) | undefined;
  const follow = () => {
    const { reachable } = reachability.get();
    if (reachable) stop?.();
    if (reachable) stop = undefined;
    else stop ??= persist(() => ask().then(() => true));
  };
  const leave = reachability.subscribe(follow);
  follow();
  return () => {
    leave();
    stop?.();
  };
}

/** Reads everything that is shown again when the server is back. */
export function catchUp(
  reachability: Reachability,
  queries: QueryClient,
  slot: StreamSlot,
): () => void {
  return onReturn(reachability, () => {
    slot.retryNow();
    void queries.refetchQueries({
      type: "active",
      // What a form began with must not change while somebody types.
      predicate: ({ state, observers }) =>
        state.status === "error" || observers.some((o) => o.options.refetchOnWindowFocus !== false),
    });
  });
}

/** Notices another build of the UI, and takes the next navigation as the occasion to load it. */
export function followBuild(
  build: Build,
  {
    reachability,
    slot,
    router,
  }: { reachability: Reachability; slot: StreamSlot; router: AppRouter },
): () => void {
  const shown = () => {
    if (document.visibilityState !== "hidden") void build.checkNowAndThen();
  };
  const begun = () => {
    if (slot.state.get().kind === "connecting") void build.checkNowAndThen();
  };
  document.addEventListener("visibilitychange", shown);
  const leaves = [
    onReturn(reachability, () => void build.check()),
    slot.state.subscribe(begun),
    router.subscribe("onBeforeNavigate", ({ fromLocation, toLocation }) => {
      if (fromLocation && isOtherPage(fromLocation.pathname, toLocation.pathname)) {
        void reloadIfOld(build);
      }
    }),
    () => document.removeEventListener("visibilitychange", shown),
  ];
  return () => {
    for (const leave of leaves) leave();
  };
}

/** Going through the objects of a list, as with j and k, does not count. */
function isOtherPage(from: string, to: string): boolean {
  const [before, after] = [from.split("/"), to.split("/")];
  return before[1] !== after[1] || before.length !== after.length;
}

async function reloadIfOld(build: Build): Promise<void> {
  const begun = Date.now();
  if (!build.isOld) await build.check();
  if (build.isOld && Date.now() - begun < decisionMs) await build.reload();
}
