import { useQuery } from "@connectrpc/connect-query";
import { useEffect, useState } from "react";
import { EventService } from "#gen/postrider/v1/event_pb";
import { EventTypeService } from "#gen/postrider/v1/event_type_pb";
import { LiveStream_Admission, StreamService } from "#gen/postrider/v1/stream_pb";
import { SubscriptionService } from "#gen/postrider/v1/subscription_pb";
import { useAccess } from "@/rpc/session";
import { total } from "./present";
import type { StatsWindow } from "./window";

/** How often what is not pushed is asked for, while a step is open. */
const askAgainMs = 3000;

/** The first steps, and which of them are done. */
export interface Start {
  key: true;
  event: boolean;
  receiver: boolean;
  types: boolean;
}

/** Undefined until the server has told. Nothing is asked unless the steps are wanted. */
export function useStart(window: StatsWindow | undefined, isWanted: boolean): Start | undefined {
  const { isAdmin, tenant } = useAccess();
  const happened = (name: "published" | "delivered") =>
    window !== undefined && total(window.points, name) > 0;
  const first = { tenant, pageSize: 1 };
  const every = { enabled: isWanted, refetchInterval: askAgainMs };
  const events = useQuery(EventService.method.listEvents, first, every);
  const subscriptions = useQuery(SubscriptionService.method.listSubscriptions, first, every);
  const types = useQuery(EventTypeService.method.listEventTypes, first, every);
  const streams = useQuery(
    StreamService.method.listStreams,
    { tenant },
    { ...every, enabled: isWanted && isAdmin },
  );
  const all = isAdmin ? [events, subscriptions, types, streams] : [events, subscriptions, types];
  if (!isWanted || !window || all.some(({ isPending }) => isPending)) return undefined;
  // A page of this UI reads with a session; `listen` and every other client with a key or a ticket.
  const reads = streams.data?.streams.some(
    ({ admission }) => admission !== LiveStream_Admission.SESSION,
  );
  return {
    key: true,
    event: (events.data?.events.length ?? 0) > 0 || happened("published"),
    receiver:
      (subscriptions.data?.subscriptions.length ?? 0) > 0 ||
      reads === true ||
      happened("delivered"),
    types: (types.data?.eventTypes.length ?? 0) > 0,
  };
}

export function isDone(start: Start): boolean {
  return start.event && start.receiver && start.types;
}

/** What the browser remembers of a tenant: nothing, that the steps have begun, or that they are over. */
type Remembered = "begun" | "over" | undefined;

const keyOf = (tenant: string) => `postrider.start ${JSON.stringify(tenant)}`;

function read(tenant: string): Remembered {
  try {
    const value = localStorage.getItem(keyOf(tenant));
    return value === "begun" || value === "over" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the steps are over, remembered for each tenant. */
export function useRemembered(tenant: string): [Remembered, (value: "begun" | "over") => void] {
  const [value, setValue] = useState(() => read(tenant));
  const remember = (next: "begun" | "over") => {
    setValue(next);
    try {
      localStorage.setItem(keyOf(tenant), next);
    } catch {
      // Storage is blocked: it holds for this page.
    }
  };
  return [value, remember];
}

/** Keeps a step ticked that was ticked: `listen` may have ended since. */
export function useTicked(start: Start | undefined): Start | undefined {
  const [event, setEvent] = useState(false);
  const [receiver, setReceiver] = useState(false);
  const [types, setTypes] = useState(false);
  useEffect(() => {
    if (start?.event) setEvent(true);
    if (start?.receiver) setReceiver(true);
    if (start?.types) setTypes(true);
  }, [start?.event, start?.receiver, start?.types]);
  if (!start) return undefined;
  return {
    key: true,
    event: event || start.event,
    receiver: receiver || start.receiver,
    types: types || start.types,
  };
}
