import { onAbort } from "./abort.js";
import type { PostriderError } from "./error.js";
import { type Backoff, isTransient, pause, waitMs } from "./retry.js";

const backoff: Backoff = { firstMs: 200, longestMs: 5_000 };
/** No attempt begins later than this after the first, unless a signal is the bound: a server that is started again is back by then. */
const patienceMs = 30_000;
/** An attempt without an answer by then counts as lost. */
export const attemptTimeoutMs = 15_000;

/** How calls are made, and what goes wrong with them. */
export interface Caller {
  /** What went wrong, of whatever a call threw. */
  errorOf(cause: unknown): PostriderError;
  /** Gets fresh credentials when these are refused; absent where there are no others. */
  refuse?: (() => void) | undefined;
}

/**
 * Makes a call that may be repeated because every event in it has an id. Where the outcome of an attempt is unknown, the
 * next one settles it: an event that was stored answers its first acknowledgement. With a signal it is repeated until that
 * aborts.
 */
export async function callRepeatedly<T>(
  call: (signal: AbortSignal) => Promise<T>,
  { errorOf, refuse }: Caller,
  signal?: AbortSignal,
): Promise<T> {
  // By the time that passes: the clock may be set meanwhile.
  const deadline = signal ? Number.POSITIVE_INFINITY : performance.now() + patienceMs;
  let again = refuse;
  for (let failures = 1; ; failures++) {
    signal?.throwIfAborted();
    try {
      return await unlessAborted(call, signal);
    } catch (cause) {
      signal?.throwIfAborted();
      const error = errorOf(cause);
      if (error.code === "unauthenticated" && again) {
        again();
        again = undefined;
        continue;
      }
      const wait = waitMs(failures, backoff, error);
      if (!isTransient(error) || deadline < performance.now() + wait) throw error;
      await pause(wait, signal);
    }
  }
}

/**
 * The answer, or the signal's reason as soon as it aborts: not all that a call waits for knows of the signal. The call gets
 * one of its own, for it may leave listeners behind.
 */
function unlessAborted<T>(
  call: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const attempt = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const forget = onAbort(signal, () => {
      reject(signal?.reason);
      attempt.abort(signal?.reason);
    });
    call(attempt.signal).then(resolve, reject).finally(forget);
  });
}
