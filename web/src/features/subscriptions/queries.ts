import { createClient } from "@connectrpc/connect";
import {
  createConnectQueryKey,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useTransport,
} from "@connectrpc/connect-query";
import { useMutation as usePlainMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { SubscriptionService } from "#gen/postrider/v1/subscription_pb";
import { useAccess } from "@/rpc/session";

/** All are loaded: what fails comes first, wherever its name sorts. */
const pageSize = 1000;
/** Above this number health is read less often. */
const fewSubscriptions = 200;
const manyHealthEveryMs = 10_000;
/** Health is read again this often: the tab's one stream is for events and deliveries. */
const healthEveryMs = 3000;
/** A test waits for the endpoint, for two minutes at most by the contract. */
const testTimeoutMs = 130_000;

const method = SubscriptionService.method;

export function useSubscriptions() {
  const { tenant } = useAccess();
  const query = useInfiniteQuery(
    method.listSubscriptions,
    { tenant, pageSize, pageToken: "" },
    {
      pageParamKey: "pageToken",
      getNextPageParam: (page) => page.nextPageToken || undefined,
      refetchInterval: ({ state }) => {
        const shown = state.data?.pages[0]?.subscriptions.length ?? 0;
        return shown > fewSubscriptions ? manyHealthEveryMs : healthEveryMs;
      },
    },
  );
  const { hasNextPage, isFetching, isError, fetchNextPage, data } = query;
  useEffect(() => {
    if (hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [hasNextPage, isFetching, isError, fetchNextPage]);
  const subscriptions = useMemo(
    () => data?.pages.flatMap((page) => page.subscriptions) ?? [],
    [data],
  );
  return { query, subscriptions };
}

export function useSubscription(id: string) {
  const { tenant } = useAccess();
  return useQuery(method.getSubscription, { tenant, id }, { refetchInterval: healthEveryMs });
}

/** The subscription once, to begin an edit from: what is being typed must not change underneath. */
export function useSubscriptionToEdit(id: string) {
  const { tenant } = useAccess();
  return useQuery(method.getSubscription, { tenant, id }, { refetchOnWindowFocus: false });
}

export function useCreateSubscription() {
  return useMutation(method.createSubscription, { onSuccess: useRefresh() });
}

export function useUpdateSubscription() {
  return useMutation(method.updateSubscription, { onSuccess: useRefresh() });
}

export function useDeleteSubscription() {
  return useMutation(method.deleteSubscription, { onSuccess: useRefreshList() });
}

export function usePauseSubscription() {
  return useMutation(method.pauseSubscription, { onSuccess: useRefresh() });
}

export function useResumeSubscription() {
  return useMutation(method.resumeSubscription, { onSuccess: useRefresh() });
}

export function useRevealSecret() {
  // A secret is not kept: it goes when the component goes.
  return useMutation(method.revealSubscriptionSecret, { gcTime: 0 });
}

export function useTestSubscription() {
  const transport = useTransport();
  const { tenant } = useAccess();
  return usePlainMutation({
    mutationFn: (id: string) =>
      createClient(SubscriptionService, transport).testSubscription(
        { tenant, id },
        { timeoutMs: testTimeoutMs },
      ),
  });
}

function useRefresh() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({
      queryKey: createConnectQueryKey({ schema: SubscriptionService, cardinality: undefined }),
    });
}

/** After a deletion only the list: the one that is gone would be "not found". */
function useRefreshList() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({
      queryKey: createConnectQueryKey({ schema: method.listSubscriptions, cardinality: undefined }),
    });
}
