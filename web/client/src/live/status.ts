import type { PostriderError } from "../error.js";

/**
 * The state of a live stream. "connecting": it is being opened, or was just lost. "catching-up": stored events are
 * arriving. "live": new events arrive. "unauthorised": the server refuses what `token` returns; the function is asked again.
 * "offline": the browser has no network, or several attempts in a row have failed; it keeps trying. "ended": it was
 * closed, or a retry would not help, as with a key that is refused.
 */
export type LiveState =
  | "connecting"
  | "catching-up"
  | "live"
  | "unauthorised"
  | "offline"
  | "ended";

/** The state of a live stream with details. Each change is a new object. */
export interface LiveStatus {
  readonly state: LiveState;
  /** Why the connection was lost, or why the stream has ended; absent if there was no error. */
  readonly error?: PostriderError;
  /** When the next attempt is made; absent if none is scheduled. */
  readonly retryAt?: Date;
}

/** An observable status. */
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

  /** Calls the listener with each change. The returned function ends that. */
  readonly watch = (listener: (status: LiveStatus) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}
