import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { useTransport } from "@connectrpc/connect-query";
import {
  type QueryClient,
  queryOptions,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect } from "react";
import { type Session, SessionService } from "#gen/postrider/v1/session_pb";
import { ownerOf } from "@/rpc/session";
import { dropDrafts, keepDraftsOf } from "@/store/drafts";

const key = ["session"];
/** The cookie is one for all tabs: who signs in or out in one does so in all. */
const channelName = "postrider.session";
/** What a sign-out says to the other tabs: what was typed there goes as well. */
const signedOut = "signed out";

/** The key under which "nobody is signed in" can be noted from outside, as null. */
export const sessionKey = key;

/** The session; null if nobody is signed in. */
export function useSession() {
  const client = createClient(SessionService, useTransport());
  const queries = useQueryClient();
  const query = useQuery(
    queryOptions({
      queryKey: key,
      staleTime: Number.POSITIVE_INFINITY,
      refetchOnWindowFocus: "always",
      queryFn: ({ signal }) =>
        client.getSession({}, { signal }).then(
          ({ session }) => {
            if (session) removeOthers(queries, session);
            return session ?? null;
          },
          (cause) => {
            if (ConnectError.from(cause).code === Code.Unauthenticated) return null;
            throw cause;
          },
        ),
    }),
  );
  const { refetch } = query;
  useEffect(() => {
    const channel = new BroadcastChannel(channelName);
    channel.onmessage = ({ data }) => {
      if (data === signedOut) dropDrafts();
      void refetch();
    };
    return () => channel.close();
  }, [refetch]);
  return query;
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

/** Records the new session here and in the other tabs. */
function enter(queries: QueryClient, session: Session | null): void {
  if (session) removeOthers(queries, session);
  else {
    removeData(queries);
    dropDrafts();
  }
  queries.setQueryData(key, session);
  const channel = new BroadcastChannel(channelName);
  channel.postMessage(session ? null : signedOut);
  channel.close();
}

/** Removes what was read and typed in another session than the one that begins. */
function removeOthers(queries: QueryClient, session: Session): void {
  keepDraftsOf(ownerOf(session));
  const before = queries.getQueryData<Session | null>(key);
  if (before && ownerOf(before) === ownerOf(session)) return;
  removeData(queries);
}

function removeData(queries: QueryClient): void {
  queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== key[0] });
}
