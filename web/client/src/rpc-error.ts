import { Code, ConnectError } from "@connectrpc/connect";
import { type ErrorCode, PostriderError } from "./error.js";
import { readReason, readRetryDelay, readViolations } from "./error-detail.js";

/** Reads whatever a call threw. */
export function errorOf(cause: unknown): PostriderError {
  if (cause instanceof PostriderError) return cause;
  const error = ConnectError.from(cause);
  // What is thrown before a call is made, such as the error of a token that was refused, comes wrapped.
  if (error.cause instanceof PostriderError) return error.cause;
  const details = error.details.flatMap((detail) => ("type" in detail ? [detail] : []));
  const origin = error.cause ?? cause;
  return new PostriderError(codeName(error.code), error.rawMessage, {
    reason: readReason(details),
    violations: readViolations(details),
    retryDelayMs: readRetryDelay(details),
    cause: origin,
  });
}

/** "InvalidArgument" → "invalid_argument". */
function codeName(code: Code): ErrorCode {
  const name = Code[code] ?? "Unknown";
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).slice(1) as ErrorCode;
}
