import { Link } from "@tanstack/react-router";
import type { Delivery } from "#gen/postrider/v1/delivery_pb";
import type { Event, PublishResponse } from "#gen/postrider/v1/event_pb";
import type { LiveState } from "@/live/state";
import { readFault } from "@/rpc/fault";
import { deliveryStatus } from "@/theme/status";
import { Badge } from "@/ui/badge";
import { clsx } from "@/ui/clsx";
import { clock, rfc3339 } from "@/ui/format/time";
import { Notice } from "@/ui/states";
import { answerText, useDeliveriesOf } from "./deliveries";
import styles from "./playground-page.module.css";
import { useArrivals } from "./queries";

interface Props {
  type: string;
  /** The response to the last publish. */
  published: PublishResponse | undefined;
}

/** The result of publishing: the response, the events of the type as they arrive, and where each was delivered. */
export function ArrivalList({ type, published }: Props) {
  const { arrivals, live } = useArrivals(type);
  const { byEvent, isRead, cause } = useDeliveriesOf(type, arrivals[0]?.id);
  const arrived = arrivals.some(({ id }) => id === published?.id);
  return (
    <section className={styles.arrivals} aria-label="Arrivals">
      <h2>Arrivals</h2>
      {published && (
        <Notice tone="good">
          {published.duplicate ? "Already stored as " : "Stored as "}
          <EventLink id={published.id} />
          {arrived ? ", and arrived." : "."}
        </Notice>
      )}
      {cause && (
        <Notice tone="warn">Deliveries could not be read: {readFault(cause).message}</Notice>
      )}
      {arrivals.length === 0 && <p className={styles.quiet}>{waiting(live)}</p>}
      <ol className={styles.events}>
        {arrivals.map((event) => (
          <Row
            key={event.id}
            event={event}
            isOwn={event.id === published?.id}
            deliveries={isRead ? (byEvent.get(event.id) ?? []) : undefined}
          />
        ))}
      </ol>
    </section>
  );
}

function Row(props: { event: Event; isOwn: boolean; deliveries: Delivery[] | undefined }) {
  const { event, isOwn, deliveries } = props;
  return (
    <li className={clsx(styles.event, isOwn && styles.own)}>
      {event.acceptTime && (
        <time dateTime={rfc3339(event.acceptTime)}>{clock(event.acceptTime)}</time>
      )}
      <EventLink id={event.id} />
      {event.violations.length > 0 && (
        <span className={styles.warned}>violates its schema ({event.violations.length})</span>
      )}
      {deliveries && <Deliveries deliveries={deliveries} />}
    </li>
  );
}

function Deliveries({ deliveries }: { deliveries: Delivery[] }) {
  if (deliveries.length === 0)
    return <p className={styles.none}>No delivery: no subscription has taken it so far.</p>;
  return (
    <ul className={styles.deliveries} aria-label="Deliveries">
      {deliveries.map((delivery) => (
        <li key={delivery.id}>
          <Link
            to="/events/$eventId"
            params={{ eventId: delivery.eventId }}
            search={({ tenant }) => ({ tenant, delivery: delivery.id })}
            className={styles.subscription}
          >
            {delivery.subscriptionName || delivery.subscriptionId}
          </Link>
          <Badge status={deliveryStatus[delivery.state]} />
          <span className={styles.answer}>{answerText(delivery)}</span>
        </li>
      ))}
    </ul>
  );
}

function EventLink({ id }: { id: string }) {
  return (
    <Link
      to="/events/$eventId"
      params={{ eventId: id }}
      search={({ tenant }) => ({ tenant })}
      className={styles.id}
    >
      {id}
    </Link>
  );
}

function waiting(live: LiveState): string {
  switch (live.kind) {
    case "live":
      return "Events of this type appear here as they arrive.";
    case "failed":
      return "The live stream was refused. A published event is still one click away.";
    default:
      return "Connecting to the live stream.";
  }
}
