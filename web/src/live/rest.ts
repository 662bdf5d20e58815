import type { StreamSlot } from "./slot";

/** A user who looks at another tab for a moment comes back to a stream that is still open. */
const graceMs = 3000;

/**
 * Lets a hidden tab give up its stream: all tabs together have six connections to the server, and streams that nobody sees
 * would leave none for the calls of the next tab.
 */
export function restWhileHidden(slot: StreamSlot): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const follow = () => {
    clearTimeout(timer);
    if (document.visibilityState !== "hidden") slot.wake();
    else timer = setTimeout(slot.rest, graceMs);
  };
  document.addEventListener("visibilitychange", follow);
  // One that was opened in the background has never been looked at.
  if (document.visibilityState === "hidden") slot.rest();
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", follow);
  };
}
