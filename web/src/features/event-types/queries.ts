import {
  createConnectQueryKey,
  useInfiniteQuery,
  useMutation,
  useQuery,
} from "@connectrpc/connect-query";
import { keepPreviousData, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { EventTypeService } from "#gen/postrider/v1/event_type_pb";
import { useAccess } from "@/rpc/session";

const pageSize = 1000;
/** Traffic is read again this often. */
const trafficEveryMs = 5000;

const method = EventTypeService.method;

/** Every type: the page searches them, so that the rest is loaded without being asked for. */
export function useEventTypes() {
  const { tenant } = useAccess();
  const query = useInfiniteQuery(
    method.listEventTypes,
    { tenant, pageSize, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: (page) => page.nextPageToken || undefined },
  );
  const { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = query;
  useEffect(() => {
    if (hasNextPage && !isFetching && !isFetchNextPageError) void fetchNextPage();
  }, [hasNextPage, isFetching, isFetchNextPageError, fetchNextPage]);
  return query;
}

/** A type with the documentation of a version, the latest when it is 0. */
export function useEventType(name: string, version: number) {
  const { tenant } = useAccess();
  return useQuery(
    method.getEventType,
    { tenant, name, version },
    // Going from version to version does not make the page jump.
    { refetchInterval: trafficEveryMs, placeholderData: keepPreviousData },
  );
}

/** What changed between two versions, neither of which ever changes. */
export function useDiff(name: string, from: number, to: number) {
  return useQuery(
    method.diffEventType,
    { name, fromVersion: from, toVersion: to },
    { staleTime: Number.POSITIVE_INFINITY },
  );
}

export function useUpdateEventType() {
  return useMutation(method.updateEventType, { onSuccess: useRefresh() });
}

export function useDeleteEventType() {
  return useMutation(method.deleteEventType, { onSuccess: useRefreshList() });
}

function useRefresh() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({
      queryKey: createConnectQueryKey({ schema: EventTypeService, cardinality: undefined }),
    });
}

/** After a deletion only the list: the one that is gone would be "not found". */
function useRefreshList() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({
      queryKey: createConnectQueryKey({ schema: method.listEventTypes, cardinality: undefined }),
    });
}
