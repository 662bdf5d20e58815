/** What is to be done when a signal aborts. */
const acts = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Does something when a signal aborts; what it returns takes that back. A signal has one listener, however many calls share
 * it: Node takes eleven for a leak.
 */
export function onAbort(signal: AbortSignal | undefined, act: () => void): () => void {
  if (!signal) return () => {};
  let all = acts.get(signal);
  if (!all) {
    const added = new Set<() => void>();
    signal.addEventListener("abort", () => {
      for (const one of [...added]) one();
    });
    acts.set(signal, added);
    all = added;
  }
  all.add(act);
  return () => all.delete(act);
}
