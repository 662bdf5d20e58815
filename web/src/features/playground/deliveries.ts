import { useQuery } from "@connectrpc/connect-query";
import { skipToken } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { type Delivery, DeliveryService, DeliveryState } from "#gen/postrider/v1/delivery_pb";
import { useAccess } from "@/rpc/session";

/** Deliveries of a type that are read at once. */
const pageSize = 100;
/** A tab has one long stream, which the arrivals have: deliveries are read again for as long as something may change. */
const readEveryMs = 1000;
/** The first attempt begins within this time after its event. */
const beginsWithinMs = 30_000;

/** The newest deliveries of a type, by event. `newest` is the event that arrived last. */
export function useDeliveriesOf(type: string, newest: string | undefined) {
  const { tenant } = useAccess();
  const arrivedAt = useRef(0);
  const query = useQuery(
    DeliveryService.method.listDeliveries,
    newest === undefined ? skipToken : { tenant, types: [type], pageSize },
    {
      refetchInterval: ({ state }) => {
        const isRecent = Date.now() - arrivedAt.current < beginsWithinMs;
        return isRecent || state.data?.deliveries.some(isMoving) ? readEveryMs : false;
      },
      retry: false,
    },
  );
  const { refetch } = query;
  useEffect(() => {
    if (newest === undefined) return;
    arrivedAt.current = Date.now();
    void refetch();
  }, [newest, refetch]);
  const byEvent = new Map<string, Delivery[]>();
  for (const delivery of query.data?.deliveries ?? []) {
    byEvent.set(delivery.eventId, [...(byEvent.get(delivery.eventId) ?? []), delivery]);
  }
  return { byEvent, isRead: query.data !== undefined, cause: query.error };
}

function isMoving({ state }: Delivery): boolean {
  return state === DeliveryState.PENDING || state === DeliveryState.RETRYING;
}

/** What the target answered last: "200", "500 after 3 attempts", or why there was no answer. */
export function answerText({ lastAttempt, attemptCount }: Delivery): string {
  if (!lastAttempt) return "no attempt yet";
  const { response, error } = lastAttempt;
  const answer = response ? response.statusCode || "acknowledged" : error || "no response";
  return attemptCount > 1 ? `${answer} after ${attemptCount} attempts` : String(answer);
}
