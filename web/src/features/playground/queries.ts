import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { createClient as createRpcClient, type Transport } from "@connectrpc/connect";
import { useInfiniteQuery, useMutation, useQuery, useTransport } from "@connectrpc/connect-query";
import { createClient } from "@postrider/client";
import { useSubscription } from "@postrider/client/react";
import { skipToken, useQuery as usePlainQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { EventService } from "#gen/postrider/v1/event_pb";
import { EventTypeService } from "#gen/postrider/v1/event_type_pb";
import { StatsService } from "#gen/postrider/v1/stats_pb";
import { useLiveState, usePlace } from "@/live/context";
import { heartbeatMs } from "@/live/state";
import { useAccess } from "@/rpc/session";
import { useStore } from "@/store/store";

/** The number of newest arrivals that are kept. */
const arrivalLimit = 20;
/** The most used type is the one published most in this time. */
const usageSpanMs = 24 * 3_600_000;
/** After this long the page begins with another type. */
const usageLimitMs = 3000;

/** The types one can choose from, events before parts of events. */
export function useTypeNames() {
  const { tenant } = useAccess();
  const query = useInfiniteQuery(
    EventTypeService.method.listEventTypes,
    { tenant, pageSize: 1000, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: (page) => page.nextPageToken || undefined },
  );
  const types = query.data?.pages.flatMap((page) => page.eventTypes) ?? [];
  const events = types.filter(({ partOf }) => partOf.length === 0);
  const parts = types.filter(({ partOf }) => partOf.length > 0);
  return { ...query, names: [...events, ...parts].map(({ name }) => name) };
}

/** The type that was published most in the last day; undefined if there was none, or if it cannot be known. */
export function useMostUsedType(enabled: boolean) {
  const { tenant } = useAccess();
  const transport = useTransport();
  return usePlainQuery({
    queryKey: ["most used type", tenant],
    queryFn: ({ signal }) => readMostUsedType(transport, tenant, signal),
    enabled,
    retry: false,
    // While the page is open its form must not change.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
}

/** Reads the snapshot of a watch, and ends the watch. */
async function readMostUsedType(
  transport: Transport,
  tenant: string,
  signal: AbortSignal,
): Promise<string | null> {
  const end = new AbortController();
  signal.addEventListener("abort", () => end.abort(), { once: true });
  const client = createRpcClient(StatsService, transport);
  try {
    const watch = client.watch(
      { tenant, span: durationFromMs(usageSpanMs) },
      { signal: end.signal, timeoutMs: usageLimitMs },
    );
    for await (const { message } of watch) {
      if (message.case === "snapshot") return message.value.tables?.eventTypes[0]?.type ?? null;
      if (message.case === "snapshotEnd") break;
    }
    return null;
  } finally {
    end.abort();
  }
}

/** The documentation of the chosen type: comments, rules in words, an example. */
export function useTypeDocumentation(name: string | undefined) {
  const { tenant } = useAccess();
  return useQuery(
    EventTypeService.method.getEventType,
    name === undefined ? skipToken : { tenant, name },
    { refetchOnWindowFocus: false },
  );
}

export function usePublish() {
  return useMutation(EventService.method.publish);
}

/** The newest events of the type that arrive while the page is open, newest first. */
export function useArrivals(type: string) {
  const transport = useTransport();
  const { tenant } = useAccess();
  const client = useMemo(() => createClient({ transport, tenant }), [transport, tenant]);
  const place = usePlace("list");
  const stream = useSubscription(
    (resume) => client.subscribeRaw([type], { heartbeatMs, onGap: () => {}, ...resume }),
    [client, type],
    { enabled: useStore(place.isOn), keep: arrivalLimit },
  );
  return { arrivals: stream.events.toReversed(), live: useLiveState(place, stream) };
}
