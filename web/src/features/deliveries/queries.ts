import { createClient } from "@connectrpc/connect";
import {
  createConnectQueryKey,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useTransport,
} from "@connectrpc/connect-query";
import { useWatch } from "@postrider/client/react-query";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { type Delivery, DeliveryService, type DeliveryState } from "#gen/postrider/v1/delivery_pb";
import { useLiveState, usePlace } from "@/live/context";
import { useAccess } from "@/rpc/session";
import { useStore } from "@/store/store";
import { mergeDeliveries } from "./merge";
import { type Changes, isMarker, snapshotSize, withChange } from "./watch";

const pageSize = 50;
const noChanges: Changes = new Map();

interface Scope {
  /** Of this subscription, by id; of all when empty. */
  subscription?: string;
  /** Of this event; of all when empty. */
  eventId?: string;
  states?: DeliveryState[];
  /** Of events of these types; of all when empty. */
  types?: string[];
  /** These stay in the list, by id, when they leave the states. */
  kept?: ReadonlySet<string>;
}

/** Deliveries newest first, kept current by the tab's stream for as long as they are shown. */
export function useDeliveries(scope: Scope) {
  const { subscription = "", eventId = "", states = [], types = [], kept } = scope;
  const { tenant } = useAccess();
  const transport = useTransport();
  const client = useMemo(() => createClient(DeliveryService, transport), [transport]);
  const place = usePlace("detail");
  const watch = useWatch(
    (signal) =>
      client.watchDeliveries(
        { tenant, subscription, eventId, snapshotSize },
        { signal, timeoutMs: 0 },
      ),
    [client, tenant, subscription, eventId],
    { begin: () => noChanges, fold: withChange, isMarker, enabled: useStore(place.isOn) },
  );
  const { value: changed = noChanges, snapshots } = watch;
  const query = useInfiniteQuery(
    DeliveryService.method.listDeliveries,
    { tenant, subscription, eventId, states, types, pageSize, pageToken: "" },
    {
      pageParamKey: "pageToken",
      getNextPageParam: (page) => page.nextPageToken || undefined,
    },
  );
  // Listed again once the watch is on: what changed between the list and the watch would show in neither.
  const { refetch } = query;
  useEffect(() => {
    if (snapshots > 0) void refetch();
  }, [snapshots, refetch]);
  const listed = query.data?.pages.flatMap((page) => page.deliveries) ?? [];
  return {
    query,
    live: useLiveState(place, watch),
    deliveries: mergeDeliveries(listed, changed, states, query.hasNextPage, { types, kept }),
  };
}

/** A delivery with all its attempts, read again whenever the delivery has changed. */
export function useAttempts(delivery: Delivery) {
  const { tenant } = useAccess();
  const query = useQuery(DeliveryService.method.getDelivery, { tenant, id: delivery.id });
  const { refetch } = query;
  const version = `${delivery.updateTime?.seconds}.${delivery.updateTime?.nanos} ${delivery.attemptCount}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version is the trigger.
  useEffect(() => {
    void refetch();
  }, [version, refetch]);
  return query;
}

export function useRetryDelivery() {
  const { tenant } = useAccess();
  const queries = useQueryClient();
  const mutation = useMutation(DeliveryService.method.retryDelivery, {
    onSuccess: () =>
      queries.invalidateQueries({
        queryKey: createConnectQueryKey({
          schema: DeliveryService,
          cardinality: undefined,
        }),
      }),
  });
  return { ...mutation, retry: (id: string) => mutation.mutate({ tenant, id }) };
}
