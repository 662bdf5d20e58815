import { Code, ConnectError, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { isOfServer } from "./origin";
import type { Reachability } from "./reachability";

/** A call that has not been answered by then fails; streams and tests of slow endpoints set their own limit. */
const unaryTimeoutMs = 20_000;

interface Options {
  reachability: Reachability;
  /** Called when the server no longer knows this session. */
  onSignedOut: () => void;
}

/** The transport of the page: the same origin, the session cookie, binary messages, GET for reads. */
export function createTransport({ reachability, onSignedOut }: Options): Transport {
  return createConnectTransport({
    baseUrl: window.location.origin,
    useBinaryFormat: true,
    useHttpGet: true,
    defaultTimeoutMs: unaryTimeoutMs,
    interceptors: [watchAnswers(reachability, onSignedOut)],
    fetch: fetchFromServer,
  });
}

/** A response of a proxy, whatever its status, says no more than that the server could not be reached. */
async function fetchFromServer(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, { ...init, credentials: "same-origin" });
  if (await isOfServer(response)) return response;
  void response.body?.cancel();
  throw new ConnectError(`HTTP ${response.status}, not from the server`, Code.Unavailable);
}

/** Records for every response whether the server can be reached and whether the session is valid. */
export function watchAnswers(reachability: Reachability, onSignedOut: () => void): Interceptor {
  return (next) => async (request) => {
    try {
      const answer = await next(request);
      reachability.report(true);
      return answer;
    } catch (cause) {
      const error = ConnectError.from(cause);
      if (!request.signal.aborted) reachability.report(!isUnreachable(error));
      if (error.code === Code.Unauthenticated && request.method.name !== "CreateSession") {
        onSignedOut();
      }
      throw cause;
    }
  };
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
