import type { Access, Ticket } from "../access.js";
import { type ErrorCode, foreignCode, PostriderError } from "../error.js";
import { domain, type FieldViolation } from "../error-detail.js";
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
  const options = { ...init, headers, cache: "no-store", redirect: "manual" } as const;
  const response = await fetch(address, options);
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
    domain?: string;
    retryDelay?: string;
    fieldViolations?: { field?: string; description?: string; reason?: string }[];
    violations?: { field?: { elements?: PathElement[] }; ruleId?: string; message?: string }[];
  };
}

interface PathElement {
  fieldName?: string;
  [subscript: string]: unknown;
}

/** The error of an answer: the server's own is JSON and names our domain, that of a proxy before it is anything. */
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
  const debugs = (Array.isArray(details) ? details : []).flatMap((detail) => detail?.debug ?? []);
  const { reason } = debugs.find((one) => one.domain === domain) ?? {};
  return new PostriderError(
    (reason && code) || foreignCode(response.status === 401 ? "unauthenticated" : undefined),
    (reason && message) || `the answer is ${describe(response)}`,
    {
      reason,
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

/** What answered in place of the server. A page is not shown where a redirect leads. */
function describe({ type, status, statusText }: Response): string {
  return type === "opaqueredirect" ? "a redirect" : `${status} ${statusText}`.trimEnd();
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
