import { onAbort } from "./abort.js";
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
      forget();
      resolve();
    };
    const timer = setTimeout(end, ms);
    const forget = onAbort(signal, end);
  });
}

/** Whether a call may succeed when it is made again as it is. */
export function isTransient(error: PostriderError): boolean {
  switch (error.code) {
    case "unavailable":
    case "deadline_exceeded":
      return true;
    case "resource_exhausted":
      return error.reason === "OVERLOADED" || error.retryDelayMs > 0;
    default:
      return isOfGateway(error);
  }
}

const refusals: readonly ErrorCode[] = [
  "invalid_argument",
  "not_found",
  "permission_denied",
  "unauthenticated",
  "unimplemented",
  "failed_precondition",
  "out_of_range",
  // No answer is unknown: it is a fault here.
  "unknown",
];

/** Whether a stream would be refused again. */
export function isFinal(error: PostriderError): boolean {
  if (error.reconnect !== undefined) return !error.reconnect;
  if (error.reason === "DISCONNECTED") return true;
  return refusals.includes(error.code) && !isOfGateway(error);
}

/** Whether something on the way to the server wants credentials: the server's own refusal has a reason. */
function isOfGateway({ code, reason }: PostriderError): boolean {
  return code === "unauthenticated" && reason === undefined;
}
