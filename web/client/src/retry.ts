import type { ErrorCode, PostriderError } from "./error.js";

/** How waits between tries grow. */
export interface Backoff {
  firstMs: number;
  longestMs: number;
}

/** How long to wait after so many failures in a row: full jitter, so that clients do not come back in step. */
export function backoffMs(failures: number, { firstMs, longestMs }: Backoff): number {
  return Math.random() * Math.min(longestMs, firstMs * 2 ** (failures - 1));
}

/** The longest wait a server is granted when it asks for one. */
const longestAskedMs = 60_000;

/** Waits after a failure: as long as the backoff says, and at least as long as the server asks. */
export function waitMs(failures: number, backoff: Backoff, error?: PostriderError): number {
  return Math.max(backoffMs(failures, backoff), Math.min(error?.retryDelayMs ?? 0, longestAskedMs));
}

/** What a Retry-After header asks for: seconds or a date. 0 where it asks for nothing. */
export function retryAfterMs(value: string | null): number {
  if (value === null) return 0;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Math.max(ms || 0, 0);
}

/** Resolves after a time, or at once when the signal aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
  });
}

/**
 * Whether the connection was lost: fetch rejects with a TypeError, in every browser and in Node; a stream that was cut
 * lacks its end, which Connect tells with a text.
 */
export function isConnectionLost({ code, cause }: PostriderError): boolean {
  return code === "unknown" && (cause instanceof TypeError || typeof cause === "string");
}

/** Whether a call may succeed when it is made again as it is. */
export function isTransient(error: PostriderError): boolean {
  switch (error.code) {
    case "unavailable":
    case "deadline_exceeded":
      return true;
    case "resource_exhausted":
      return error.reason === "OVERLOADED" || error.reason === undefined;
    default:
      return isConnectionLost(error);
  }
}

const answers: readonly ErrorCode[] = [
  "invalid_argument",
  "not_found",
  "permission_denied",
  "unauthenticated",
  "unimplemented",
  "failed_precondition",
  "out_of_range",
];

/** Whether a stream would be refused again. An error that is neither an answer nor the network's is a fault here. */
export function isFinal(error: PostriderError): boolean {
  if (error.reconnect !== undefined) return !error.reconnect;
  if (error.reason === "DISCONNECTED") return true;
  if (error.code === "unknown") return !isConnectionLost(error);
  return answers.includes(error.code);
}
