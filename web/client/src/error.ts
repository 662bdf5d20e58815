import type { FieldViolation } from "./error-detail.js";
import type { ErrorReason } from "./gen/postrider/v1/error_pb.js";

/** What kind of error it is, as in gRPC and Connect. */
export type ErrorCode =
  | "canceled"
  | "unknown"
  | "invalid_argument"
  | "deadline_exceeded"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "resource_exhausted"
  | "failed_precondition"
  | "aborted"
  | "out_of_range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data_loss"
  | "unauthenticated";

/** The machine-readable cause, for example "EVENT_ID_CONFLICT". Newer servers may know more. */
export type Reason = Exclude<keyof typeof ErrorReason, "UNSPECIFIED"> | (string & {});

interface Facts {
  reason?: Reason | undefined;
  violations?: FieldViolation[];
  retryDelayMs?: number;
  reconnect?: boolean | undefined;
  cause?: unknown;
}

/** An error of the server, or of the way to it. */
export class PostriderError extends Error {
  override name = "PostriderError";
  readonly code: ErrorCode;
  /** Absent when the error is not the server's own, for example because it could not be reached. */
  readonly reason: Reason | undefined;
  /** The fields that are wrong, all of them. */
  readonly violations: readonly FieldViolation[];
  /** How long the server asks to wait before the next try; 0 when it does not ask. */
  readonly retryDelayMs: number;

  /** Of a stream's end: whether the server says that the same request has a chance of being answered again. */
  readonly reconnect: boolean | undefined;

  constructor(code: ErrorCode, message: string, facts: Facts = {}) {
    super(message, { cause: facts.cause });
    this.code = code;
    this.reason = facts.reason;
    this.violations = facts.violations ?? [];
    this.retryDelayMs = facts.retryDelayMs ?? 0;
    this.reconnect = facts.reconnect;
  }
}

/**
 * The code of an answer that is not the server's own, whatever it says: a proxy answers in its place with any status, and
 * the server's answer comes after it. A proxy that knows tokens may want a fresh one.
 */
export function foreignCode(code: ErrorCode | undefined): ErrorCode {
  return code === "unauthenticated" || code === "deadline_exceeded" ? code : "unavailable";
}

/** What ended a stream, of whatever was thrown: an error that is neither the server's nor the network's is a fault here. */
export function faultOf(cause: unknown): PostriderError {
  if (cause instanceof PostriderError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new PostriderError("unknown", message, { cause });
}
