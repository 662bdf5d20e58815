import { DeliveryState, type EventDeliveries } from "#gen/postrider/v1/delivery_pb";
import { deliveryStatus } from "@/theme/status";
import { Dot } from "@/ui/badge";
import { countText } from "@/ui/format/number";
import styles from "./outcome-dots.module.css";
import { type Outcomes, useOutcome } from "./outcomes";

/** Up to this many deliveries have a dot each; of more, each state has one and its number. */
const singleDots = 5;

const { PENDING, RETRYING, DELIVERED, DEAD } = DeliveryState;

interface Count {
  state: DeliveryState;
  count: number;
}

/** A dot for the outcome of each delivery of an event, what failed first. */
export function OutcomeDots({ outcomes, eventId }: { outcomes: Outcomes; eventId: string }) {
  const counts = useOutcome(outcomes, eventId);
  const states = counts ? statesOf(counts) : [];
  if (!counts || states.length === 0) return null;
  const total = states.reduce((sum, { count }) => sum + count, 0);
  const words = wordsOf(states, counts.more);
  return (
    <span className={styles.dots} title={words}>
      {states.map(({ state, count }) =>
        total <= singleDots ? (
          Array.from({ length: count }, (_, n) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the dots of a state are all the same.
            <Dot key={`${state} ${n}`} status={deliveryStatus[state]} />
          ))
        ) : (
          <span key={state} className={styles.count} aria-hidden="true">
            <Dot status={deliveryStatus[state]} />
            {countText(count)}
            {counts.more && "+"}
          </span>
        ),
      )}
      <span className="visually-hidden">{words}</span>
    </span>
  );
}

function statesOf({ dead, retrying, pending, delivered }: EventDeliveries): Count[] {
  const all = [
    { state: DEAD, count: dead },
    { state: RETRYING, count: retrying },
    { state: PENDING, count: pending },
    { state: DELIVERED, count: delivered },
  ];
  return all.filter(({ count }) => count > 0);
}

/** "1 dead, 2 delivered". */
function wordsOf(states: Count[], more: boolean): string {
  const words = states.map(
    ({ state, count }) => `${countText(count)} ${deliveryStatus[state].label.toLowerCase()}`,
  );
  return `${words.join(", ")}${more ? ", of more deliveries than are counted" : ""}`;
}
