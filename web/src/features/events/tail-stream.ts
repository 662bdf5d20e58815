import type { Client } from "@postrider/client";
import { type SubscriptionView, useSubscription } from "@postrider/client/react";
import { heartbeatMs } from "@/live/state";
import type { EventTail } from "./tail";

/** Follows the log from where the tail's list was read; the tail takes what comes. */
export function useTailStream(
  client: Client,
  tail: EventTail,
  enabled: boolean,
): SubscriptionView<unknown> {
  return useSubscription(
    (resume) =>
      client.subscribeRaw(tail.types, {
        expression: tail.expression,
        start: tail.cursor,
        heartbeatMs,
        onGap: tail.receiveGap,
        ...resume,
      }),
    [client, tail],
    { enabled, keep: 0, onEvent: tail.receive },
  );
}
