import { useRef, useState } from "react";
import { dropDraft, keepDraft, readDraft } from "@/store/drafts";
import { ownerOf, useAccess } from "./session";

/** How the content of a form is kept. */
export interface DraftFormat<T> {
  /** What is kept of it: no secrets. */
  write(value: T): unknown;
  /** The content as it was kept; undefined if it does not fit the form. */
  read(kept: unknown): T | undefined;
}

export interface TypedDraft<T> {
  value: T;
  set(value: T): void;
  /** The form began with what was typed before. */
  isRestored: boolean;
  /** Begins anew, with nothing kept. */
  reset(): void;
}

/** The content of a form of the selected tenant, which is still there when the form is opened again. */
export function useDraft<T>(name: string, initial: T, format: DraftFormat<T>): TypedDraft<T> {
  const { owner, key } = useDraftKey(name);
  const untouched = useRef<string>(undefined);
  const [{ value, isRestored }, setState] = useState(() => {
    const restored = format.read(readDraft(owner, key));
    return { value: restored ?? initial, isRestored: restored !== undefined };
  });
  return {
    value,
    isRestored,
    set(next) {
      setState({ value: next, isRestored });
      untouched.current ??= JSON.stringify(format.write(initial));
      const kept = format.write(next);
      if (JSON.stringify(kept) === untouched.current) dropDraft(owner, key);
      else keepDraft(owner, key, kept);
    },
    reset() {
      setState({ value: initial, isRestored: false });
      dropDraft(owner, key);
    },
  };
}

/** Drops what was typed into a form, once it has been sent or given up. */
export function useDropDraft(name: string): () => void {
  const { owner, key } = useDraftKey(name);
  return () => dropDraft(owner, key);
}

function useDraftKey(name: string) {
  const { session, tenant } = useAccess();
  return { owner: ownerOf(session), key: `${tenant} ${name}` };
}
