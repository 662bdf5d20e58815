import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useRef, useState } from "react";
import { Button } from "@/ui/button";
import { clsx } from "@/ui/clsx";
import { useShortcuts } from "@/ui/shortcuts";
import { ErrorState, Notice, Skeleton } from "@/ui/states";
import type { VirtualListHandle } from "@/ui/virtual-list";
import { EventFilters } from "./event-filters";
import { EventList } from "./event-list";
import styles from "./events-page.module.css";
import { type EventSearch, isEmptyFilter, readFilter, withoutDelivery } from "./filter";
import { NoEvents } from "./no-events";
import { useEventTail } from "./queries";
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
  useEventShortcuts(view.rows, selectedId, list, () => togglePause());

  const togglePause = () => (view.paused ? tail.resume() : tail.pause());
  const isOpen = selectedId !== undefined;
  return (
    <div className={clsx(styles.page, isOpen && styles.withDetail)}>
      <section className={styles.main} aria-label="Event list">
        <header className={styles.head}>
          <h1>Events</h1>
          <EventFilters search={search} />
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
            <ErrorState title="Events could not be loaded" cause={view.cause} onRetry={reload} />
          )}
          {view.phase === "ready" && view.rows.length === 0 && !view.hasOlder && (
            <NoEvents filtered={!isEmptyFilter(filter)} />
          )}
          {view.phase === "ready" && (view.rows.length > 0 || view.hasOlder) && (
            <EventList
              ref={list}
              view={view}
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
      {children}
    </div>
  );
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
  rows: readonly TailRow[],
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
    "/": () => document.getElementById("event-types")?.focus(),
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
