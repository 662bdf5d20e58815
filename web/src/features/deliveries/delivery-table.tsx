import { useNavigate } from "@tanstack/react-router";
import { type MouseEvent, useRef, useState } from "react";
import { type Delivery, DeliveryState } from "#gen/postrider/v1/delivery_pb";
import { useAccess } from "@/rpc/session";
import { deliveryStatus, outcomeStatus } from "@/theme/status";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { clsx } from "@/ui/clsx";
import { EventType } from "@/ui/event-type";
import { moveRowFocus, useShortcuts } from "@/ui/shortcuts";
import { Instant } from "@/ui/time";
import { Attempts } from "./attempts";
import { DeliveryFeed } from "./delivery-feed";
import styles from "./delivery-table.module.css";
import { NextAttempt } from "./next-attempt";
import { useDeliveries } from "./queries";
import { retryLimit, retryText, useRetryMany } from "./retry-many";
import { RowDetail } from "./row-detail";
import { statusText } from "./status-text";

interface Props {
  subscription: string;
  states: DeliveryState[];
  types: string[];
  openId: string | undefined;
  empty: string;
}

const columns = [
  "Time",
  "State",
  "Event type",
  "Subject",
  "Event",
  "Subscription",
  "Attempts",
  "Next try",
  "Last answer",
];

/** Deliveries as they happen, in columns; each opens to its attempts, and many can be retried. */
export function DeliveryTable({ subscription, states, types, openId, empty }: Props) {
  const { isAdmin } = useAccess();
  const selection = useSelection();
  const kept = new Set([...selection.ids, ...(openId ? [openId] : [])]);
  const feed = useDeliveries({ subscription, states, types, kept });
  const { deliveries } = feed;
  const ids = deliveries.map(({ id }) => id);
  useShortcuts({
    j: () => moveRowFocus(1),
    k: () => moveRowFocus(-1),
    x: () => {
      const focused = document.activeElement?.getAttribute("data-row");
      if (isAdmin && focused) selection.toggle(focused, ids, false);
    },
  });
  return (
    <DeliveryFeed feed={feed} skeletonRows={8} className={styles.list}>
      {isAdmin && <Selected shown={ids} selection={selection} />}
      {deliveries.length === 0 && <p className={styles.empty}>{empty}</p>}
      {deliveries.length > 0 && (
        <div role="table" aria-label="Deliveries, newest event first">
          <Header />
          <div role="rowgroup">
            {deliveries.map((delivery) => (
              <Row
                key={delivery.id}
                delivery={delivery}
                isOpen={delivery.id === openId}
                // Open or selected rows stay; they say that they have left the state that is asked for.
                hasLeft={states.length > 0 && !states.includes(delivery.state)}
                isSelected={selection.ids.has(delivery.id)}
                onSelect={
                  isAdmin ? (range) => selection.toggle(delivery.id, ids, range) : undefined
                }
              />
            ))}
          </div>
        </div>
      )}
    </DeliveryFeed>
  );
}

function useSelection() {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const last = useRef<string>(undefined);
  return {
    ids,
    set: (chosen: readonly string[]) => setIds(new Set(chosen)),
    /** With `range` everything between the row and the one before becomes as the row does. */
    toggle: (id: string, shown: readonly string[], range: boolean) => {
      const next = new Set(ids);
      const from = range && last.current ? shown.indexOf(last.current) : -1;
      const to = shown.indexOf(id);
      const reached = from < 0 ? [id] : shown.slice(Math.min(from, to), Math.max(from, to) + 1);
      const isAdded = !ids.has(id);
      for (const one of reached) {
        if (isAdded) next.add(one);
        else next.delete(one);
      }
      last.current = id;
      setIds(next);
    },
  };
}

type Selection = ReturnType<typeof useSelection>;

function Selected({ shown, selection }: { shown: readonly string[]; selection: Selection }) {
  const retry = useRetryMany();
  const count = selection.ids.size;
  const tooMany = count > retryLimit;
  return (
    <div className={styles.tools}>
      <Button disabled={shown.length === 0} onClick={() => selection.set(shown)}>
        Select all shown
      </Button>
      {count > 0 && (
        <>
          <Button kind="quiet" onClick={() => selection.set([])}>
            Select none
          </Button>
          <Button
            kind="main"
            icon="retry"
            busy={retry.isPending}
            disabled={tooMany}
            onClick={() => retry.mutate([...selection.ids], { onSuccess: () => selection.set([]) })}
          >
            {`Retry ${count} selected`}
          </Button>
        </>
      )}
      <span role="status">
        {tooMany ? `At most ${retryLimit} can be retried at once.` : ""}
        {retry.data && count === 0 ? retryText(retry.data) : ""}
      </span>
    </div>
  );
}

function Header() {
  return (
    <div role="rowgroup" className={styles.header}>
      <div role="row" className={styles.row}>
        <span role="columnheader">
          <span className="visually-hidden">Selected</span>
        </span>
        {columns.map((title) => (
          <span key={title} role="columnheader">
            {title}
          </span>
        ))}
      </div>
    </div>
  );
}

function Row(props: {
  delivery: Delivery;
  isOpen: boolean;
  hasLeft: boolean;
  isSelected: boolean;
  onSelect: ((range: boolean) => void) | undefined;
}) {
  const { delivery, isOpen, hasLeft, isSelected, onSelect } = props;
  const navigate = useNavigate();
  const toggle = () =>
    void navigate({
      to: ".",
      search: (search) => ({ ...search, delivery: isOpen ? undefined : delivery.id }),
      replace: true,
      resetScroll: false,
    });
  const { eventType, eventSubject, eventId, subscriptionName, subscriptionId } = delivery;
  return (
    <>
      <div
        role="row"
        className={clsx(
          styles.row,
          styles.entry,
          isSelected && styles.selected,
          hasLeft && styles.left,
        )}
      >
        <span role="cell" className={styles.check}>
          {onSelect && (
            <input
              type="checkbox"
              aria-label={`Select ${eventType} ${eventId}`}
              checked={isSelected}
              onChange={() => undefined}
              onClick={(event: MouseEvent) => onSelect(event.shiftKey)}
            />
          )}
        </span>
        <span role="cell" className={styles.time}>
          <Instant time={delivery.eventAcceptTime ?? delivery.createTime} />
        </span>
        <span role="cell" className={styles.state}>
          <Badge status={deliveryStatus[delivery.state]} />
          {hasLeft && <span className="visually-hidden"> (no longer in the chosen state)</span>}
        </span>
        <span role="cell" className={styles.type}>
          <button
            type="button"
            className={styles.toggle}
            aria-expanded={isOpen}
            data-row={delivery.id}
            onClick={toggle}
          >
            <EventType name={eventType} />
          </button>
        </span>
        <span role="cell" data-label="subject">
          {eventSubject}
        </span>
        <span role="cell" data-label="event">
          <code title={eventId}>{eventId}</code>
        </span>
        <span role="cell" data-label="to" title={subscriptionName}>
          {subscriptionName || subscriptionId}
        </span>
        <span role="cell" data-label="attempts" className={styles.number}>
          {delivery.attemptCount}
        </span>
        <span role="cell">{nextTry(delivery)}</span>
        <span role="cell" className={styles.answer} title={delivery.lastAttempt?.error}>
          {answer(delivery)}
        </span>
      </div>
      {isOpen && (
        <div role="row">
          <div role="cell" className={styles.detail}>
            <RowDetail row={delivery.id} label={`Attempts of ${eventId}`} onClose={toggle}>
              <Attempts delivery={delivery} shows={{ event: true, subscription: true }} />
            </RowDetail>
          </div>
        </div>
      )}
    </>
  );
}

function nextTry({ state, nextAttemptTime }: Delivery) {
  if (state !== DeliveryState.RETRYING) return "–";
  return nextAttemptTime ? <NextAttempt time={nextAttemptTime} /> : "with its subscription";
}

/** "400 Refused", "no response: connection refused by 127.0.0.1:80". */
function answer({ lastAttempt }: Delivery): string {
  if (!lastAttempt) return "no attempt yet";
  const { response, outcome, error } = lastAttempt;
  if (!response) return error ? `no response: ${error}` : "no response";
  return `${statusText(response)} ${outcomeStatus[outcome].label}`;
}
