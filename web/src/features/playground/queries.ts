import { useInfiniteQuery, useMutation, useQuery, useTransport } from "@connectrpc/connect-query";
import { createClient } from "@postrider/client";
import { useSubscription } from "@postrider/client/react";
import { skipToken } from "@tanstack/react-query";
import { useMemo } from "react";
import { EventService } from "#gen/postrider/v1/event_pb";
import { EventTypeService } from "#gen/postrider/v1/event_type_pb";
import { useLiveState, usePlace } from "@/live/context";
import { heartbeatMs } from "@/live/state";
import { useAccess } from "@/rpc/session";
import { useStore } from "@/store/store";

/** The number of newest arrivals that are kept. */
const arrivalLimit = 20;

/** The types one can choose from. */
export function useTypeNames() {
  const { tenant } = useAccess();
  return useInfiniteQuery(
    EventTypeService.method.listEventTypes,
    { tenant, pageSize: 1000, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: (page) => page.nextPageToken || undefined },
  );
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
