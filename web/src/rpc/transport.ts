import {
  Code,
  ConnectError,
  createClient,
  type Interceptor,
  type Transport,
} from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { SessionService } from "#gen/postrider/v1/session_pb";
import { isOfServer } from "./origin";
import type { Reachability } from "./reachability";

/** A call that has not been answered by then fails; streams and tests of slow endpoints set their own limit. */
const unaryTimeoutMs = 20_000;
/** How long the cheapest call may take before the server counts as away. */
export const askTimeoutMs = 5_000;

interface Options {
  reachability: Reachability;
  /** Called when the server no longer knows this session. */
  onSignedOut: () => void;
}

/** The transport of the page: the same origin, the session cookie, binary messages, GET for reads. */
export function createTransport({ reachability, onSignedOut }: Options): Transport {
  const transport: Transport = createConnectTransport({
    baseUrl: window.location.origin,
    useBinaryFormat: true,
    useHttpGet: true,
    defaultTimeoutMs: unaryTimeoutMs,
    interceptors: [watchAnswers(reachability, onSignedOut, ask)],
    fetch: fetchFromServer,
  });
  function ask(): void {
    const { getSession } = createClient(SessionService, transport);
    // What comes of it is recorded as for any call.
    getSession({}, { timeoutMs: askTimeoutMs }).catch(() => undefined);
  }
  return transport;
}

/** A response of a proxy, whatever its status, says no more than that the server could not be reached. */
async function fetchFromServer(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, { ...init, credentials: "same-origin" });
  if (await isOfServer(response)) return response;
  // The body of a call that was given up meanwhile cannot be cancelled any more.
  response.body?.cancel().catch(() => undefined);
  throw new ConnectError(`HTTP ${response.status}, not from the server`, Code.Unavailable);
}

/**
 * Records for every response whether the server can be reached and whether the session is valid. A call without a response in
 * time may be one that takes long: `ask` makes a cheap one, which tells.
 */
export function watchAnswers(
  reachability: Reachability,
  onSignedOut: () => void,
  ask: () => void,
): Interceptor {
  const judge = (error: ConnectError, method: string, isAborted: boolean) => {
    if (isTimeout(error) && method !== "GetSession") ask();
    else if (isTimeout(error)) reachability.report(false);
    else if (!isAborted) reachability.report(!isUnreachable(error));
    if (isSignedOut(error, method)) onSignedOut();
  };
  return (next) => async (request) => {
    try {
      const answer = await next(request);
      reachability.report(true);
      return answer;
    } catch (cause) {
      judge(ConnectError.from(cause), request.method.name, request.signal.aborted);
      throw cause;
    }
  };
}

function isSignedOut({ code }: ConnectError, method: string): boolean {
  return code === Code.Unauthenticated && method !== "CreateSession";
}

/** Whether the page itself gave up; the server's own error has details. */
function isTimeout({ code, details }: ConnectError): boolean {
  return code === Code.DeadlineExceeded && details.length === 0;
}

/**
 * Whether the call did not reach the server: no connection, a proxy without a server behind it, or no response in time.
 */
export function isUnreachable(error: ConnectError): boolean {
  // Details are the server's own: it responds, and says that it cannot serve this call.
  if (error.details.length > 0) return false;
  if (error.code === Code.Unavailable || error.code === Code.DeadlineExceeded) return true;
  return error.code === Code.Unknown && error.cause instanceof TypeError;
}
