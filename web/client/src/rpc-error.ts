import { Code, ConnectError } from "@connectrpc/connect";
import { type ErrorCode, PostriderError } from "./error.js";
import { readReason, readRetryDelay, readViolations } from "./error-detail.js";
import { retryAfterMs } from "./retry.js";

/** Reads whatever a call threw. */
export function errorOf(cause: unknown): PostriderError {
  if (cause instanceof PostriderError) return cause;
  const error = ConnectError.from(cause);
  // What is thrown before a call is made, such as the error of a token that was refused, comes wrapped.
  if (error.cause instanceof PostriderError) return error.cause;
  const details = error.details.flatMap((detail) => ("type" in detail ? [detail] : []));
  const origin = error.cause ?? cause;
  return new PostriderError(
    isOfProxy(error) ? "unavailable" : codeName(error.code),
    error.rawMessage,
    {
      reason: readReason(details),
      violations: readViolations(details),
      retryDelayMs: Math.max(
        readRetryDelay(details),
        retryAfterMs(error.metadata.get("Retry-After")),
      ),
      cause: origin,
    },
  );
}

/**
 * Whether the answer is that of a proxy that has none of the server's: Connect knows 502, 503 and 504, but calls every other
 * status unknown, such as 500 and the 520 to 530 of content delivery networks.
 */
function isOfProxy({ code, rawMessage }: ConnectError): boolean {
  return code === Code.Unknown && /^HTTP (408|5\d\d)$/.test(rawMessage);
}

/** "InvalidArgument" → "invalid_argument". */
function codeName(code: Code): ErrorCode {
  const name = Code[code] ?? "Unknown";
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).slice(1) as ErrorCode;
}
