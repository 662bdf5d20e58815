/** What happens to the page, or to the machine, that a stream has to know of. */
export interface PageEvents {
  /** Somebody is back: the network, or who looks at the page, or the page itself after it was put to sleep. */
  back(): void;
  /** The network is gone. */
  gone(): void;
}

const moments: readonly [on: "window" | "document", name: string, event: keyof PageEvents][] = [
  ["window", "online", "back"],
  ["window", "pageshow", "back"],
  ["document", "visibilitychange", "back"],
  ["document", "resume", "back"],
  ["window", "offline", "gone"],
];

/** Tells of what happens to the page until the answer is called. Outside of browsers nothing happens. */
export function watchPage(events: PageEvents): () => void {
  const places = { window: globalThis, document: globalThis.document as Document | undefined };
  const listeners = moments.map(([on, name, event]) => {
    const listener = () => {
      if (event === "gone" || !places.document?.hidden) events[event]();
    };
    places[on]?.addEventListener?.(name, listener);
    return () => places[on]?.removeEventListener?.(name, listener);
  });
  return () => {
    for (const stop of listeners) stop();
  };
}

/** Whether there is no network, as far as the browser knows. Others do not know. */
export function isOffline(): boolean {
  return globalThis.navigator?.onLine === false;
}
