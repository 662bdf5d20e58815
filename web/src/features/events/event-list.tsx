import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { Link, useNavigate, useRouter } from "@tanstack/react-router";
import { type MouseEvent, memo, type Ref, useCallback } from "react";
import type { Event } from "#gen/postrider/v1/event_pb";
import { Button } from "@/ui/button";
import { clsx } from "@/ui/clsx";
import { EventType } from "@/ui/event-type";
import { clock, day, dayAndClock, rfc3339 } from "@/ui/format/time";
import { Icon } from "@/ui/icon";
import { narrow, useMedia } from "@/ui/media";
import { isPlainClick, rowLinkClass } from "@/ui/row-link";
import { VirtualList, type VirtualListHandle } from "@/ui/virtual-list";
import type { ListRow } from "./days";
import { payloadText } from "./event-data";
import { focusDetail } from "./event-detail";
import styles from "./event-list.module.css";
import { withoutDelivery } from "./filter";
import { OutcomeDots } from "./outcome-dots";
import type { Outcomes } from "./outcomes";
import { useOutcomes } from "./queries";
import { type EventTail, rowLimit, type TailView } from "./tail";

interface Props {
  view: TailView;
  rows: readonly ListRow[];
  tail: EventTail;
  selectedId: string | undefined;
  /** The list is narrower, because a detail is shown beside it. */
  compact: boolean;
  onTop: (atTop: boolean) => void;
  ref: Ref<VirtualListHandle>;
}

const columns = ["Time", "Type", "Subject", "Deliveries", "Data"];

export function EventList({ view, rows, tail, selectedId, compact, onTop, ref }: Props) {
  const isNarrow = useMedia(narrow);
  const { query, open } = useRowLink();
  const outcomes = useOutcomes();
  const onSight = (first: number, end: number) =>
    outcomes.show(
      rows.slice(first, end).flatMap((row) => (row.kind === "event" ? row.event.id : [])),
      selectedId,
    );
  return (
    <VirtualList
      ref={ref}
      rows={rows}
      rowKey={(row) => row.key}
      rowHeight={isNarrow ? 54 : 32}
      label="Events, newest first"
      className={compact ? styles.compact : undefined}
      columns={columns}
      isCards={isNarrow}
      layout={styles.row}
      rowClassName={(row) => rowClass(row, selectedId)}
      footer={<Footer view={view} tail={tail} />}
      onNearEnd={() => {
        if (view.olderCause === undefined && !view.resting) void tail.loadOlder();
      }}
      onTop={onTop}
      onSight={onSight}
    >
      {(row) => {
        if (row.kind === "day") return <DayCell label={row.label} />;
        if (row.kind === "gap") return <GapCell message={row.message} />;
        return <EventCells event={row.event} query={query} onOpen={open} outcomes={outcomes} />;
      }}
    </VirtualList>
  );
}

/**
 * The way to an event, as plain anchors: the router's own link works out its target at every render, which is too much for
 * a screenful of rows at every step of a scroll.
 */
function useRowLink() {
  const router = useRouter();
  const navigate = useNavigate();
  const query = router.buildLocation({ to: "/events", search: withoutDelivery }).searchStr;
  const open = useCallback(
    (event: MouseEvent<HTMLAnchorElement>) => {
      if (!isPlainClick(event)) return;
      event.preventDefault();
      const eventId = event.currentTarget.dataset.row ?? "";
      const isByKey = event.detail === 0;
      void navigate({ to: "/events/$eventId", params: { eventId }, search: withoutDelivery }).then(
        () => {
          if (isByKey) requestAnimationFrame(focusDetail);
        },
      );
    },
    [navigate],
  );
  return { query, open };
}

function rowClass(row: ListRow, selectedId: string | undefined): string | undefined {
  if (row.kind === "day") return styles.day;
  if (row.kind === "gap") return styles.gap;
  return clsx(styles.event, row.event.id === selectedId && styles.selected);
}

const EventCells = memo(function EventCells(props: {
  event: Event;
  query: string;
  onOpen: (event: MouseEvent<HTMLAnchorElement>) => void;
  outcomes: Outcomes;
}) {
  const { event, query, onOpen, outcomes } = props;
  return (
    <>
      <span role="cell" className={clsx(styles.cell, styles.time)}>
        {event.acceptTime && (
          <time dateTime={rfc3339(event.acceptTime)} title={`${day(event.acceptTime)}, accepted`}>
            {clock(event.acceptTime)}
          </time>
        )}
      </span>
      <span role="cell" className={clsx(styles.cell, styles.type)}>
        <a
          href={`/events/${event.id}${query}`}
          onClick={onOpen}
          className={rowLinkClass}
          data-row={event.id}
          aria-label={`${event.type}${event.subject && `, ${event.subject}`}, ${event.id}`}
        >
          <EventType name={event.type} />
        </a>
        {event.violations.length > 0 && (
          <span className={styles.warned} title="It violates its schema">
            <Icon name="warning" />
            <span className="visually-hidden">violates its schema</span>
          </span>
        )}
      </span>
      <span role="cell" className={clsx(styles.cell, styles.subject)}>
        {event.subject}
      </span>
      <span role="cell" className={clsx(styles.cell, styles.outcomes)}>
        <OutcomeDots outcomes={outcomes} eventId={event.id} />
      </span>
      <span role="cell" className={clsx(styles.cell, styles.data)}>
        <code>{preview(event)}</code>
      </span>
    </>
  );
});

function DayCell({ label }: { label: string }) {
  return (
    <span role="cell" className={styles.dayCell}>
      {label}
    </span>
  );
}

function GapCell({ message }: { message: string }) {
  return (
    <span role="cell" className={styles.gapCell}>
      <Icon name="warning" /> Events are missing: {message}
    </span>
  );
}

/** The beginning of the payload on one line. */
function preview(event: Event): string {
  return payloadText(event).slice(0, 240).replaceAll(/\s+/g, " ");
}

function Footer({ view, tail }: { view: TailView; tail: EventTail }) {
  const oldest = view.rows.findLast((row) => row.kind === "event");
  if (view.olderCause !== undefined) {
    return (
      <p className={styles.footer} role="alert">
        Older events could not be loaded.{" "}
        <Button kind="quiet" icon="retry" onClick={() => void tail.loadOlder()}>
          Try again
        </Button>
      </p>
    );
  }
  if (view.trimmed && oldest?.kind === "event") {
    return (
      <p className={styles.footer}>
        The list keeps the newest {rowLimit.toLocaleString("en")} rows.{" "}
        <Link
          from="/events"
          to="/events"
          search={(search) => ({ ...search, to: after(oldest.event) })}
        >
          Show older events
        </Link>
      </p>
    );
  }
  if (view.searchedTo !== undefined && view.hasOlder) {
    return <SearchFooter searchedTo={view.searchedTo} resting={view.resting} tail={tail} />;
  }
  if (view.loadingOlder || view.hasOlder)
    return <p className={styles.footer}>Loading older events…</p>;
  return (
    <p className={styles.footer}>This is the beginning{view.rows.length > 0 && " of the log"}.</p>
  );
}

/** How far a search by expression has come. */
function SearchFooter(props: { searchedTo: Timestamp; resting: boolean; tail: EventTail }) {
  const { searchedTo, resting, tail } = props;
  const time = dayAndClock(searchedTo).slice(0, 19);
  if (!resting) return <p className={styles.footer}>Searching, back to {time} so far…</p>;
  return (
    <p className={styles.footer} role="status">
      Searched back to {time}.{" "}
      <Button kind="quiet" onClick={() => void tail.loadOlder()}>
        Search on
      </Button>
    </p>
  );
}

/** The first millisecond after the event, so that a window ending there holds it. */
function after(event: Event): string {
  const time = event.acceptTime ? Date.parse(rfc3339(event.acceptTime)) : Date.now();
  return new Date(time + 1).toISOString();
}
