import { createStore, type Store } from "@/store/store";

/** Whether the server answered the last call, and when it last did. */
export interface Reach {
  reachable: boolean;
  /** Milliseconds since the epoch; 0 before the first response. */
  lastAnswer: number;
}

export interface Reachability extends Store<Reach> {
  report(reachable: boolean): void;
}

export function createReachability(now: () => number = Date.now): Reachability {
  const store = createStore<Reach>({ reachable: true, lastAnswer: 0 });
  return {
    ...store,
    report(reachable) {
      const before = store.get();
      // Answers come many times a second; only the change is news, with the time kept roughly.
      if (reachable && before.reachable && Math.abs(now() - before.lastAnswer) < 1000) return;
      if (!reachable && !before.reachable) return;
      store.set({ reachable, lastAnswer: reachable ? now() : before.lastAnswer });
    },
  };
}
