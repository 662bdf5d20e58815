import { createClient as createRpc } from "@connectrpc/connect";
import { useMutation, useQuery, useTransport } from "@connectrpc/connect-query";
import { createClient } from "@postrider/client";
import { skipToken } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { DeliveryService } from "#gen/postrider/v1/delivery_pb";
import { EventService, PayloadFormat } from "#gen/postrider/v1/event_pb";
import { useLiveState, usePlace } from "@/live/context";
import type { LiveState } from "@/live/state";
import { useReturn } from "@/rpc/reachability-context";
import { useAccess } from "@/rpc/session";
import { useStore } from "@/store/store";
import type { EventFilter } from "./filter";
import { Outcomes } from "./outcomes";
import { EventTail, type TailView } from "./tail";
import { useTailStream } from "./tail-stream";

interface Tail {
  view: TailView;
  live: LiveState;
  tail: EventTail;
  /** Begins anew, with the history read again. */
  reload: () => void;
}

/** The newest events under the filter, kept current by the tab's stream. */
export function useEventTail(filter: EventFilter): Tail {
  const transport = useTransport();
  const { tenant } = useAccess();
  const [generation, setGeneration] = useState(0);
  const key = JSON.stringify(filter);
  // A new filter, tenant or generation is a new list with a stream of its own.
  // biome-ignore lint/correctness/useExhaustiveDependencies: key stands for filter, generation for a wish to reload.
  const tail = useMemo(
    () => new EventTail(createRpc(EventService, transport), tenant, filter),
    [transport, tenant, key, generation],
  );
  useEffect(() => {
    const loading = new AbortController();
    void tail.load(loading.signal);
    return () => {
      loading.abort();
      tail.close();
    };
  }, [tail]);
  const view = useStore(tail.view);
  const place = usePlace("list", view.phase === "ready" && tail.isLive);
  const client = useMemo(() => createClient({ transport, tenant }), [transport, tenant]);
  const stream = useTailStream(client, tail, useStore(place.isOn));
  const reload = useCallback(() => setGeneration((n) => n + 1), []);
  // A filter that was chosen while the server was away.
  useReturn(() => {
    if (view.phase === "failed") reload();
  });
  return { view, live: useLiveState(place, stream), tail, reload };
}

/** The counts of deliveries of the events in sight. */
export function useOutcomes(): Outcomes {
  const transport = useTransport();
  const { tenant } = useAccess();
  const outcomes = useMemo(
    () => new Outcomes(createRpc(DeliveryService, transport), tenant),
    [transport, tenant],
  );
  useEffect(() => {
    outcomes.open();
    return () => outcomes.close();
  }, [outcomes]);
  return outcomes;
}

export function usePublishCopy() {
  return useMutation(EventService.method.publish);
}

/** One event; none without an id. */
export function useEvent(id: string | undefined) {
  const { tenant } = useAccess();
  return useQuery(
    EventService.method.getEvent,
    id === undefined ? skipToken : { tenant, id, payloadFormat: PayloadFormat.JSON },
    // An event never changes.
    { staleTime: Number.POSITIVE_INFINITY },
  );
}
