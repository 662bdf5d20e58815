import type { FieldViolation } from "./error-detail.js";
import type { ErrorReason } from "./gen/postrider/v1/error_pb.js";

/** The kind of error, as in gRPC and Connect. */
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

/** The machine-readable cause, for example "EVENT_ID_CONFLICT". Newer servers may have further values. */
export type Reason = Exclude<keyof typeof ErrorReason, "UNSPECIFIED"> | (string & {});

interface Facts {
  reason?: Reason | undefined;
  violations?: FieldViolation[];
  retryDelayMs?: number;
  reconnect?: boolean | undefined;
  cause?: unknown;
}

/** An error of the server or of the connection to it. */
export class PostriderError extends Error {
  override name = "PostriderError";
  readonly code: ErrorCode;
  /** Absent if the error is not from the server itself, for example because it could not be reached. */
  readonly reason: Reason | undefined;
  /** All fields at fault. */
  readonly violations: readonly FieldViolation[];
  /** How long the server asks to wait before a retry; 0 if it does not ask. */
  readonly retryDelayMs: number;

  /** For the end of a stream: whether the server says that the same request can succeed again. */
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
 * The code of a response that is not from the server itself. It is always transient: a proxy responds with any status,
 * and the server will respond later. A proxy that checks tokens may require a fresh one.
 */
export function foreignCode(code: ErrorCode | undefined): ErrorCode {
  return code === "unauthenticated" || code === "deadline_exceeded" ? code : "unavailable";
}

/**
 * The error that ended a stream. An error that is neither from the server nor from the network is a bug in the client.
 */
export function faultOf(cause: unknown): PostriderError {
  if (cause instanceof PostriderError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new PostriderError("unknown", message, { cause });
}
