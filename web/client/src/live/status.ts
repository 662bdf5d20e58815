import type { PostriderError } from "../error.js";

/**
 * Where a live stream is. "connecting": it is being opened, or was just lost. "catching-up": what is stored comes first.
 * "live": what comes is new. "offline": the browser has no network, or several tries in a row have failed; it goes on
 * trying. "ended": it was closed, or trying again would not help.
 */
export type LiveState = "connecting" | "catching-up" | "live" | "offline" | "ended";

/** Where a live stream is, and what is known about it. A new object with each change. */
export interface LiveStatus {
  readonly state: LiveState;
  /** Why the connection was lost, or why the stream has ended; absent where nothing went wrong. */
  readonly error?: PostriderError;
  /** When the next try is made; absent while none is waited for. */
  readonly retryAt?: Date;
}

/** A status that can be watched. */
export class StatusStore {
  #value: LiveStatus = { state: "connecting" };
  readonly #listeners = new Set<(status: LiveStatus) => void>();

  get value(): LiveStatus {
    return this.#value;
  }

  set(next: LiveStatus): void {
    const { state, error, retryAt } = this.#value;
    if (next.state === state && next.error === error && next.retryAt === retryAt) return;
    this.#value = next;
    for (const listener of [...this.#listeners]) listener(next);
  }

  /** Calls the listener with each change; the answer ends that. */
  readonly watch = (listener: (status: LiveStatus) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}
