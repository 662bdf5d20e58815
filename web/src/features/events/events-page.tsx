import { Code } from "@connectrpc/connect";
import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useMemo, useRef, useState } from "react";
import { readFault } from "@/rpc/fault";
import { Button } from "@/ui/button";
import { useShortcuts } from "@/ui/shortcuts";
import { Split } from "@/ui/split";
import { ErrorState, Notice, Skeleton } from "@/ui/states";
import type { VirtualListHandle } from "@/ui/virtual-list";
import { type ListRow, useToday, withDays } from "./days";
import { EventFilters } from "./event-filters";
import { EventList } from "./event-list";
import styles from "./events-page.module.css";
import { type EventSearch, isEmptyFilter, readFilter, withoutDelivery } from "./filter";
import { NoEvents } from "./no-events";
import { useEventTail } from "./queries";
import { searchBoxId } from "./search-box";
import type { TailRow } from "./tail";

interface Props {
  search: EventSearch;
  /** The event that is open beside the list. */
  selectedId: string | undefined;
  /** Its detail. */
  children: ReactNode;
}

export function EventsPage({ search, selectedId, children }: Props) {
  const filter = readFilter(search);
  const { view, live, tail, reload } = useEventTail(filter);
  const [atTop, setAtTop] = useState(true);
  const list = useRef<VirtualListHandle>(null);
  const today = useToday();
  const rows = useMemo(() => withDays(view.rows, today), [view.rows, today]);
  useEventShortcuts(rows, selectedId, list, () => togglePause());

  const togglePause = () => (view.paused ? tail.resume() : tail.pause());
  const isOpen = selectedId !== undefined;
  return (
    <Split name="events" label="Width of the event" detail={isOpen && children}>
      <section className={styles.main} aria-label="Event list">
        <header className={styles.head}>
          <h1>Events</h1>
          <EventFilters search={search} seenTypes={() => typesOf(view.rows)} />
          <div className={styles.live}>
            {tail.isLive ? (
              <PauseButton paused={view.paused} held={view.held} onClick={togglePause} />
            ) : (
              <span className={styles.note}>A fixed window: not live</span>
            )}
          </div>
        </header>
        {live.kind === "held" && (
          <p className={styles.held}>
            The tail pauses while an event is open, and then catches up.
          </p>
        )}
        {live.kind === "failed" && (
          <Notice tone="bad">
            The live tail was refused. <Button onClick={reload}>Load again</Button>
          </Notice>
        )}
        <div className={styles.body}>
          {view.phase === "loading" && <Skeleton rows={16} label="Loading events" />}
          {view.phase === "failed" && (
            <ErrorState title={failureTitle(view.cause)} cause={view.cause} onRetry={reload} />
          )}
          {view.phase === "ready" && view.rows.length === 0 && !view.hasOlder && (
            <NoEvents filtered={!isEmptyFilter(filter)} />
          )}
          {view.phase === "ready" && (view.rows.length > 0 || view.hasOlder) && (
            <EventList
              ref={list}
              view={view}
              rows={rows}
              tail={tail}
              selectedId={selectedId}
              compact={isOpen}
              onTop={setAtTop}
            />
          )}
          {!atTop && view.rows.length > 0 && (
            <Button
              kind="main"
              icon="up"
              className={styles.toTop}
              onClick={() => list.current?.scrollToTop()}
            >
              Newest
            </Button>
          )}
        </div>
      </section>
    </Split>
  );
}

/** A search that cannot be read is no failure of the server. */
function failureTitle(cause: unknown): string {
  const { code } = readFault(cause);
  return code === Code.InvalidArgument ? "The search cannot be read" : "Events could not be loaded";
}

/** The types of the events that are loaded. */
function typesOf(rows: readonly TailRow[]): string[] {
  return [...new Set(rows.flatMap((row) => (row.kind === "event" ? row.event.type : [])))];
}

function PauseButton(props: { paused: boolean; held: number; onClick: () => void }) {
  const { paused, held, onClick } = props;
  return (
    <>
      <Button kind={paused ? "main" : "plain"} icon={paused ? "play" : "pause"} onClick={onClick}>
        {paused ? "Resume" : "Pause"}
        {paused && held > 0 && ` (${held.toLocaleString("en")} new)`}
      </Button>
      <span className="visually-hidden" aria-live="polite">
        {paused ? "The tail is paused" : ""}
      </span>
    </>
  );
}

function useEventShortcuts(
  rows: readonly ListRow[],
  selectedId: string | undefined,
  list: React.RefObject<VirtualListHandle | null>,
  togglePause: () => void,
) {
  const navigate = useNavigate();
  const step = (by: 1 | -1) => {
    const ids = rows.map((row) => (row.kind === "event" ? row.event.id : undefined));
    const focused = document.activeElement?.getAttribute("data-row") ?? selectedId;
    const at = focused === undefined ? -1 : ids.indexOf(focused);
    let next = at + by;
    while (next in ids && ids[next] === undefined) next += by;
    const id = ids[Math.max(0, next)];
    if (id === undefined) return;
    list.current?.reveal(Math.max(0, next));
    requestAnimationFrame(() => focusRow(id));
    if (selectedId !== undefined) {
      void navigate({
        to: "/events/$eventId",
        params: { eventId: id },
        search: withoutDelivery,
        replace: true,
      });
    }
  };
  useShortcuts({
    j: () => step(1),
    k: () => step(-1),
    p: togglePause,
    "/": () => document.getElementById(searchBoxId)?.focus(),
    esc: () => {
      if (selectedId === undefined) return;
      void navigate({ to: "/events", search: withoutDelivery });
      requestAnimationFrame(() => focusRow(selectedId));
    },
  });
}

function focusRow(id: string): void {
  document
    .querySelector<HTMLElement>(`[data-row="${CSS.escape(id)}"]`)
    ?.focus({ preventScroll: true });
}
