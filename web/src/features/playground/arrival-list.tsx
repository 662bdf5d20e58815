import { Link } from "@tanstack/react-router";
import type { Event, PublishResponse } from "#gen/postrider/v1/event_pb";
import type { LiveState } from "@/live/state";
import { clsx } from "@/ui/clsx";
import { clock, rfc3339 } from "@/ui/format/time";
import { Notice } from "@/ui/states";
import styles from "./playground-page.module.css";
import { useArrivals } from "./queries";

interface Props {
  type: string;
  /** The response to the last publish. */
  published: PublishResponse | undefined;
}

/** The result of publishing: the response, and the events of the type as they arrive. */
export function ArrivalList({ type, published }: Props) {
  const { arrivals, live } = useArrivals(type);
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
      {arrivals.length === 0 && <p className={styles.quiet}>{waiting(live)}</p>}
      <ol className={styles.events}>
        {arrivals.map((event) => (
          <Row key={event.id} event={event} isOwn={event.id === published?.id} />
        ))}
      </ol>
    </section>
  );
}

function Row({ event, isOwn }: { event: Event; isOwn: boolean }) {
  return (
    <li className={clsx(styles.event, isOwn && styles.own)}>
      {event.acceptTime && (
        <time dateTime={rfc3339(event.acceptTime)}>{clock(event.acceptTime)}</time>
      )}
      <EventLink id={event.id} />
      {event.violations.length > 0 && (
        <span className={styles.warned}>violates its schema ({event.violations.length})</span>
      )}
    </li>
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
