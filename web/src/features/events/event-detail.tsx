import { Code } from "@connectrpc/connect";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";
import type { Event } from "#gen/postrider/v1/event_pb";
import { readFault } from "@/rpc/fault";
import { CopyButton } from "@/ui/copy";
import { EventType } from "@/ui/event-type";
import { Facts } from "@/ui/facts";
import { Icon } from "@/ui/icon";
import { useMedia } from "@/ui/media";
import { covering } from "@/ui/split";
import { EmptyState, ErrorState, Skeleton } from "@/ui/states";
import { Instant } from "@/ui/time";
import { EventActions } from "./event-actions";
import { EventData } from "./event-data";
import styles from "./event-detail.module.css";
import { withoutDelivery } from "./filter";
import { useEvent } from "./queries";

const panelId = "event-detail";

/** Moves the focus into the detail, once it is there. */
export function focusDetail(): void {
  document.getElementById(panelId)?.focus();
}

/** One event beside the list: its attributes, its payload, and what `children` say of its deliveries. */
export function EventDetail({ id, children }: { id: string; children: ReactNode }) {
  const query = useEvent(id);
  const panel = useRef<HTMLElement>(null);
  // Where the detail covers the list it covers the page's heading, too.
  const isCovering = useMedia(covering);
  // A new event starts at its top.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the id is the trigger.
  useEffect(() => {
    if (panel.current) panel.current.scrollTop = 0;
  }, [id]);
  return (
    <aside ref={panel} id={panelId} className={styles.panel} aria-label="Event" tabIndex={0}>
      <header className={styles.head}>
        <Link
          to="/events"
          search={withoutDelivery}
          className={styles.close}
          aria-label="Close the event"
        >
          <Icon name="close" className={styles.wide} />
          <Icon name="back" className={styles.narrow} />
        </Link>
        {isCovering && <h1 className="visually-hidden">Events</h1>}
        <h2 className={styles.title}>
          {query.data?.event ? <EventType name={query.data.event.type} /> : "Event"}
        </h2>
      </header>
      <div className={styles.body}>
        {query.isPending && <Skeleton rows={8} label="Loading the event" />}
        {query.isError && (
          <Missing id={id} cause={query.error} onRetry={() => void query.refetch()} />
        )}
        {query.data?.event && <EventActions key={`actions ${id}`} event={query.data.event} />}
        {query.data?.event && <Attributes event={query.data.event} />}
        {query.data?.event && (
          <section aria-label="Deliveries" className={styles.deliveries}>
            <h3>Deliveries</h3>
            {children}
          </section>
        )}
        {query.data?.event && <EventData key={id} event={query.data.event} />}
      </div>
    </aside>
  );
}

function Missing({ id, cause, onRetry }: { id: string; cause: unknown; onRetry: () => void }) {
  if (readFault(cause).code !== Code.NotFound) {
    return <ErrorState title="The event could not be loaded" cause={cause} onRetry={onRetry} />;
  }
  return (
    <EmptyState title="No such event">
      <p>
        There is no event <code>{id}</code> in this tenant. It may belong to another one.
      </p>
    </EmptyState>
  );
}

function Attributes({ event }: { event: Event }) {
  return (
    <Facts
      facts={[
        ["id", <Copyable key="id" text={event.id} label="Copy the id" />],
        ["source", <code key="source">{event.source}</code>],
        ["subject", event.subject && <code key="subject">{event.subject}</code>],
        ["time", <Instant key="time" time={event.time} />],
        ["accepted", <Instant key="accepted" time={event.acceptTime} />],
        ["schema", <SchemaVersion key="schema" event={event} />],
        ["cursor", <Copyable key="cursor" text={event.cursor} label="Copy the cursor" />],
      ]}
    />
  );
}

/** The version that the event was checked against, and the way to its documentation. */
function SchemaVersion({ event }: { event: Event }) {
  if (event.schemaVersion === 0) return "untyped";
  const version = String(event.schemaVersion);
  return (
    <Link
      to="/event-types/$name"
      params={{ name: event.type }}
      search={({ tenant }) => ({ tenant, version })}
    >
      version {version}
    </Link>
  );
}

function Copyable({ text, label }: { text: string; label: string }) {
  return (
    <span className={styles.copyable}>
      <code>{text}</code>
      <CopyButton text={text} iconLabel={label} />
    </span>
  );
}
