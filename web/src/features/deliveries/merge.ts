import type { Delivery, DeliveryState } from "#gen/postrider/v1/delivery_pb";
import { matchesPatterns } from "@/schema/patterns";
import { compareTimes } from "@/ui/format/time";

/**
 * What was listed and what has changed since, as one list: each delivery once in its newest form, in one of the states
 * (any when empty), newest event first. Those that are kept stay in any state. A change of something older than the last listed delivery waits for its page.
 */
export function mergeDeliveries(
  listed: readonly Delivery[],
  changed: ReadonlyMap<string, Delivery>,
  states: readonly DeliveryState[],
  hasOlder: boolean,
  { types = [], kept }: { types?: readonly string[]; kept?: ReadonlySet<string> } = {},
): Delivery[] {
  const merged = new Map(listed.map((delivery) => [delivery.id, delivery]));
  const oldest = hasOlder ? (listed.at(-1)?.cursor ?? "") : "";
  for (const change of changed.values()) {
    const known = merged.get(change.id);
    if (known ? isNewer(known, change) : change.cursor < oldest) continue;
    merged.set(change.id, change);
  }
  return [...merged.values()]
    .filter(({ id, state }) => kept?.has(id) || states.length === 0 || states.includes(state))
    .filter(({ eventType }) => matchesPatterns(types, eventType))
    .sort(byCursor);
}

function isNewer(a: Delivery, b: Delivery): boolean {
  return compareTimes(a.updateTime, b.updateTime) > 0;
}

/** Newest event first; cursors sort as text. */
function byCursor(a: Delivery, b: Delivery): number {
  if (a.cursor !== b.cursor) return a.cursor < b.cursor ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}
