import type { PostriderError } from "./error.js";
import { type Backoff, isTransient, pause, waitMs } from "./retry.js";

const backoff: Backoff = { firstMs: 200, longestMs: 5_000 };
/** No attempt begins later than this after the first: a server that is started again is back by then. */
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
 * next one settles it: an event that was stored answers its first acknowledgement.
 */
export async function callRepeatedly<T>(
  call: () => Promise<T>,
  { errorOf, refuse }: Caller,
  signal?: AbortSignal,
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  let mayRefuse = refuse !== undefined;
  for (let failures = 1; ; failures++) {
    signal?.throwIfAborted();
    try {
      return await unlessAborted(call(), signal);
    } catch (cause) {
      signal?.throwIfAborted();
      const error = errorOf(cause);
      if (error.code === "unauthenticated" && mayRefuse) {
        mayRefuse = false;
        refuse?.();
        continue;
      }
      const wait = waitMs(failures, backoff, error);
      if (!isTransient(error) || Date.now() + wait > deadline) throw error;
      await pause(wait, signal);
    }
  }
}

/** The answer, or the signal's reason as soon as it aborts: not all that a call waits for knows of the signal. */
function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return answer;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
