import { createClient } from "@connectrpc/connect";
import { useInfiniteQuery, useMutation, useQuery, useTransport } from "@connectrpc/connect-query";
import { skipToken } from "@tanstack/react-query";
import { useMemo } from "react";
import { EventService } from "#gen/postrider/v1/event_pb";
import { EventTypeService } from "#gen/postrider/v1/event_type_pb";
import { useClaim } from "@/live/context";
import { useAccess } from "@/rpc/session";
import { useStore } from "@/store/store";
import { Arrivals } from "./arrivals";

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

/** The events of the type that arrive while the page is open. */
export function useArrivals(type: string) {
  const transport = useTransport();
  const { tenant } = useAccess();
  const arrivals = useMemo(
    () => new Arrivals(createClient(EventService, transport), tenant, type),
    [transport, tenant, type],
  );
  useClaim(arrivals.stream, "list");
  return { arrivals: useStore(arrivals.view), live: useStore(arrivals.stream.state) };
}
