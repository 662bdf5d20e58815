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
/** Further ones are not read: every page is read again with each look at their health. */
const mostPages = 10;
/** Above this number health is read less often. */
const fewSubscriptions = 200;
const manyHealthEveryMs = 10_000;
/** Health is read again this often: the tab's one stream is for events and deliveries. */
const healthEveryMs = 3000;
/** A test waits for the endpoint, for two minutes at most by the contract. */
const testTimeoutMs = 130_000;

const method = SubscriptionService.method;

/** Those of the selected tenant, or of all. */
export function useSubscriptions(allTenants: boolean) {
  const { tenant } = useAccess();
  const query = useInfiniteQuery(
    method.listSubscriptions,
    { tenant: allTenants ? "" : tenant, allTenants, pageSize, pageToken: "" },
    {
      pageParamKey: "pageToken",
      getNextPageParam: (page, pages) =>
        pages.length < mostPages ? page.nextPageToken || undefined : undefined,
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
  const isCut = data?.pages.length === mostPages && data.pages.at(-1)?.nextPageToken !== "";
  return { query, subscriptions, isCut };
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
    mutationFn: (test: { id: string; eventId: string }) =>
      createClient(SubscriptionService, transport).testSubscription(
        { tenant, ...test },
        { timeoutMs: testTimeoutMs },
      ),
  });
}

/** The number of newest events to choose from. */
const chosenAmong = 50;

/** The newest events of the types that a subscription selects. */
export function useTestEvents(types: readonly string[]) {
  const { tenant } = useAccess();
  return useQuery(method.testFilter, {
    tenant,
    filter: { types: [...types] },
    limit: chosenAmong,
  });
}

/** It is not waited for: a form that is read again begins anew, and would never learn that it was saved. */
function useRefresh() {
  const queries = useQueryClient();
  return () =>
    void queries.invalidateQueries({
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
