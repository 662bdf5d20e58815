import { onAbort } from "./abort.js";
import type { PostriderError } from "./error.js";
import { type Backoff, isTransient, pause, waitMs } from "./retry.js";

const backoff: Backoff = { firstMs: 200, longestMs: 5_000 };
/**
 * The time after the first attempt in which further ones begin, unless a signal is the limit. A restarted server is
 * back by then.
 */
const patienceMs = 30_000;
/** An attempt without a response after this time counts as lost. */
export const attemptTimeoutMs = 15_000;

/** How calls are made, and how their errors are converted. */
export interface Caller {
  /** Converts the error of a call. */
  errorOf(cause: unknown): PostriderError;
  /** Requests fresh credentials if these are refused; absent if there are no others. */
  refuse?: (() => void) | undefined;
}

/**
 * Makes a call that can be repeated because every event in it has an id. If the outcome of an attempt is unknown, the
 * next one settles it: for an event that is already stored, the server returns the first acknowledgement. With a
 * signal, the call is repeated until the signal aborts.
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
 * Returns the result, or rejects with the reason of the signal as soon as it aborts, because not everything that a call
 * waits for observes the signal. The call gets a signal of its own, as it may leave listeners behind.
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
