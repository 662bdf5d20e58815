import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { useTransport } from "@connectrpc/connect-query";
import {
  type QueryClient,
  queryOptions,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { type Session, SessionService } from "#gen/postrider/v1/session_pb";

const key = ["session"];

/** The key under which "nobody is signed in" can be noted from outside, as null. */
export const sessionKey = key;

/** The session; null if nobody is signed in. */
export function useSession() {
  const client = createClient(SessionService, useTransport());
  return useQuery(
    queryOptions({
      queryKey: key,
      staleTime: Number.POSITIVE_INFINITY,
      queryFn: ({ signal }) =>
        client.getSession({}, { signal }).then(
          ({ session }) => session ?? null,
          (cause) => {
            if (ConnectError.from(cause).code === Code.Unauthenticated) return null;
            throw cause;
          },
        ),
    }),
  );
}

/** Exchanges an API key for the session cookie. */
export function useSignIn() {
  const client = createClient(SessionService, useTransport());
  const queries = useQueryClient();
  return useMutation({
    // The key is not kept once it has been exchanged.
    gcTime: 0,
    mutationFn: (apiKey: string) => client.createSession({ key: apiKey }),
    onSuccess: ({ session }) => enter(queries, session ?? null),
  });
}

export function useSignOut() {
  const client = createClient(SessionService, useTransport());
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => client.deleteSession({}),
    onSuccess: () => enter(queries, null),
  });
}

/** Records the new session, and removes the data of the previous one. */
function enter(queries: QueryClient, session: Session | null): void {
  queries.setQueryData(key, session);
  queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== key[0] });
}
