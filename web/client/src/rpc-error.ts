import { Code, ConnectError } from "@connectrpc/connect";
import { type ErrorCode, foreignCode, PostriderError } from "./error.js";
import { readReason, readRetryDelay, readViolations } from "./error-detail.js";
import { retryAfterMs } from "./retry.js";

/** Reads whatever a call threw. */
export function errorOf(cause: unknown): PostriderError {
  if (cause instanceof PostriderError) return cause;
  const error = ConnectError.from(cause);
  // What is thrown before a call is made, such as the error of a token that was refused, comes wrapped.
  if (error.cause instanceof PostriderError) return error.cause;
  const details = error.details.flatMap((detail) => ("type" in detail ? [detail] : []));
  const reason = readReason(details);
  const code = codeName(error.code);
  return new PostriderError(reason === undefined ? foreignCode(code) : code, error.rawMessage, {
    reason,
    violations: readViolations(details),
    retryDelayMs: Math.max(
      readRetryDelay(details),
      retryAfterMs(error.metadata.get("Retry-After")),
    ),
    cause: error.cause ?? cause,
  });
}

/** "InvalidArgument" → "invalid_argument". */
function codeName(code: Code): ErrorCode {
  const name = Code[code] ?? "Unknown";
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).slice(1) as ErrorCode;
}
