import type { Access, Ticket } from "../access.js";
import { type ErrorCode, PostriderError } from "../error.js";
import type { FieldViolation } from "../error-detail.js";
import { attemptTimeoutMs } from "../publish.js";
import { retryAfterMs } from "../retry.js";

/** A token for the Authorization header, or a ticket, which goes into the address. */
export type Token = string | Ticket;

/** Where the server is, and how it is asked. */
export interface Http {
  readonly url: string;
  readonly access: Access<Token>;
  readonly fetch: typeof fetch;
}

/** Sends a request. An answer other than success is thrown as a PostriderError. */
export async function send(
  { url, fetch }: Http,
  path: string,
  token: Token | undefined,
  init: RequestInit & { headers: Record<string, string>; signal: AbortSignal },
): Promise<Response> {
  init.signal.throwIfAborted();
  const headers = { ...init.headers };
  if (typeof token === "string") headers.Authorization = `Bearer ${token}`;
  const address = `${url.replace(/\/$/, "")}${path}`;
  const response = await fetch(address, { ...init, headers, cache: "no-store" });
  if (!response.ok) throw await refusal(response);
  return response;
}

/** Calls a method of the API. */
export async function call(
  http: Http,
  method: string,
  token: Token | undefined,
  body: string,
  signal?: AbortSignal,
): Promise<unknown> {
  const attempt = AbortSignal.timeout(attemptTimeoutMs);
  const response = await send(http, `/postrider.v1.${method}`, token, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body,
    signal: signal ? AbortSignal.any([signal, attempt]) : attempt,
  });
  return response.json();
}

/** What went wrong, of whatever was thrown: fetch and the body it answers throw all kinds of errors. */
export function errorOf(cause: unknown): PostriderError {
  if (cause instanceof PostriderError) return cause;
  const isLate = cause instanceof Error && cause.name === "TimeoutError";
  const message = cause instanceof Error ? cause.message : String(cause);
  return new PostriderError(isLate ? "deadline_exceeded" : "unavailable", message, { cause });
}

interface Detail {
  type?: string;
  debug?: {
    reason?: string;
    retryDelay?: string;
    fieldViolations?: { field?: string; description?: string; reason?: string }[];
    violations?: { field?: { elements?: PathElement[] }; ruleId?: string; message?: string }[];
  };
}

interface PathElement {
  fieldName?: string;
  [subscript: string]: unknown;
}

/** The error of an answer: the server's own is JSON, that of a proxy before it is anything. */
async function refusal(response: Response): Promise<PostriderError> {
  const text = await response.text().catch(() => "");
  const {
    code,
    message,
    details = [],
  } = parseObject(text) as {
    code?: ErrorCode;
    message?: string;
    details?: Detail[];
  };
  const debugs = (Array.isArray(details) ? details : []).flatMap(({ debug }) => debug ?? []);
  return new PostriderError(
    code ?? codeOf(response.status),
    message ?? `the answer is ${response.status} ${response.statusText}`.trimEnd(),
    {
      reason: debugs.find(({ reason }) => reason)?.reason,
      violations: debugs.flatMap(violationsOf),
      retryDelayMs: Math.max(
        retryAfterMs(response.headers.get("Retry-After")),
        ...debugs.map(({ retryDelay }) => Number.parseFloat(retryDelay ?? "0") * 1000),
      ),
    },
  );
}

/** An object of a JSON text, empty for any other text. */
function parseObject(text: string): object {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    return {};
  }
}

/** As Connect maps them; what is not listed may be over soon. */
function codeOf(status: number): ErrorCode {
  const codes: Record<number, ErrorCode> = {
    400: "invalid_argument",
    401: "unauthenticated",
    403: "permission_denied",
    404: "not_found",
    405: "unimplemented",
    409: "already_exists",
    429: "resource_exhausted",
  };
  return codes[status] ?? "unavailable";
}

function violationsOf({ fieldViolations = [], violations = [] }: NonNullable<Detail["debug"]>) {
  const broken: FieldViolation[] = violations.map(({ field, ruleId, message }) => ({
    field: (field?.elements ?? []).map(pathElement).join("."),
    rule: ruleId ?? "",
    message: message ?? "",
  }));
  for (const { field = "", reason = "", description = "" } of fieldViolations) {
    broken.push({ field, rule: reason, message: description });
  }
  return broken;
}

function pathElement(element: PathElement): string {
  const { index, stringKey, boolKey, intKey, uintKey, fieldName = "" } = element;
  const subscript =
    index ?? intKey ?? uintKey ?? boolKey ?? (stringKey && JSON.stringify(stringKey));
  return subscript === undefined ? fieldName : `${fieldName}[${subscript}]`;
}
