import { useSyncExternalStore } from "react";

/** Whether the media query matches, kept current. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const list = window.matchMedia(query);
      list.addEventListener("change", listener);
      return () => list.removeEventListener("change", listener);
    },
    () => window.matchMedia(query).matches,
  );
}

/** Below this width lists stack their cells and panels cover the page. */
export const narrow = "(max-width: 760px)";
