import type { Delivery, WatchDeliveriesResponse } from "#gen/postrider/v1/delivery_pb";

/** Changes kept beside the pages that were listed; the oldest event goes first. */
const changeLimit = 1000;
/** How many of the newest deliveries a watch begins with. */
export const snapshotSize = 100;

/** The latest versions of deliveries by id. */
export type Changes = ReadonlyMap<string, Delivery>;

export const isMarker = ({ message }: WatchDeliveriesResponse): boolean =>
  message.case === "snapshotEnd";

/** The deliveries after a message. */
export function withChange(changes: Changes, { message }: WatchDeliveriesResponse): Changes {
  if (message.case !== "snapshot" && message.case !== "change") return changes;
  const next = new Map(changes).set(message.value.id, message.value);
  if (next.size > changeLimit) {
    const oldest = [...next.values()].reduce((a, b) => (a.cursor < b.cursor ? a : b));
    next.delete(oldest.id);
  }
  return next;
}
