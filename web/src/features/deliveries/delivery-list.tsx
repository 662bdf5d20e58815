import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useId } from "react";
import { type Delivery, DeliveryState } from "#gen/postrider/v1/delivery_pb";
import { readFault } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";
import { deliveryStatus } from "@/theme/status";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { EventType } from "@/ui/event-type";
import { milliseconds, shortDuration } from "@/ui/format/duration";
import { Icon } from "@/ui/icon";
import { ErrorState, Notice, Skeleton } from "@/ui/states";
import { Ago, useNow } from "@/ui/time";
import { AttemptView } from "./attempt-view";
import styles from "./delivery-list.module.css";
import { useAttempts, useDeliveries, useRetryDelivery } from "./queries";
import { statusText } from "./status-text";

interface Props {
  subscription?: string;
  eventId?: string;
  states?: DeliveryState[];
  /** The delivery whose attempts are shown; kept in the URL. */
  openId: string | undefined;
  /** What to say when there is nothing. */
  empty: ReactNode;
}

/** Deliveries as they happen; each opens to its attempts. */
export function DeliveryList({ subscription, eventId, states, openId, empty }: Props) {
  const { query, live, deliveries } = useDeliveries({ subscription, eventId, states });
  const sides = { event: eventId === undefined, subscription: subscription === undefined };
  if (query.isPending) return <Skeleton rows={3} label="Loading deliveries" />;
  if (query.isError && deliveries.length === 0) {
    return (
      <ErrorState
        title="Deliveries could not be loaded"
        cause={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  }
  return (
    <div className={styles.list}>
      {live.kind === "failed" && <Notice tone="bad">{readFault(live.cause).message}</Notice>}
      {deliveries.length === 0 && <div className={styles.empty}>{empty}</div>}
      <ul>
        {deliveries.map((delivery) => (
          <li key={delivery.id} className={styles.item}>
            <DeliveryRow delivery={delivery} shows={sides} isOpen={delivery.id === openId} />
          </li>
        ))}
      </ul>
      {query.hasNextPage && (
        <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {query.isFetchNextPageError ? "Loading failed: try again" : "Load older"}
        </Button>
      )}
    </div>
  );
}

/** What the page around the list does not already say of a delivery. */
interface Sides {
  event: boolean;
  subscription: boolean;
}

function DeliveryRow(props: { delivery: Delivery; shows: Sides; isOpen: boolean }) {
  const { delivery, shows, isOpen } = props;
  const id = useId();
  const navigate = useNavigate();
  const toggle = () =>
    void navigate({
      to: ".",
      search: (search) => ({ ...search, delivery: isOpen ? undefined : delivery.id }),
      replace: true,
      resetScroll: false,
    });
  return (
    <>
      <div className={styles.row}>
        <button
          type="button"
          onClick={toggle}
          className={styles.toggle}
          aria-expanded={isOpen}
          aria-controls={id}
          data-row={delivery.id}
        >
          <Icon name="chevron" className={isOpen ? styles.turned : undefined} />
          <span className={styles.name}>
            {shows.event && <EventType name={delivery.eventType} />}
            {shows.event && shows.subscription && " → "}
            {shows.subscription && (delivery.subscriptionName || delivery.subscriptionId)}
          </span>
        </button>
        <Badge status={deliveryStatus[delivery.state]} />
        <span className={styles.outcome}>{summary(delivery)}</span>
        <span className={styles.when}>
          <When delivery={delivery} />
        </span>
      </div>
      <div id={id}>{isOpen && <Attempts delivery={delivery} shows={shows} />}</div>
    </>
  );
}

/** "200 in 12 ms", "3 attempts, 500". */
function summary({ attemptCount, lastAttempt }: Delivery): string {
  if (!lastAttempt) return "no attempt yet";
  const { response, duration } = lastAttempt;
  const answer = response ? statusText(response) : "no response";
  const time = shortDuration(milliseconds(duration));
  return attemptCount > 1 ? `${attemptCount} attempts, last ${answer}` : `${answer} in ${time}`;
}

function When({ delivery }: { delivery: Delivery }) {
  if (delivery.state === DeliveryState.RETRYING && delivery.nextAttemptTime) {
    return <NextAttempt time={delivery.nextAttemptTime} />;
  }
  return <Ago time={delivery.updateTime} />;
}

/** A due attempt starts when its subscription continues. */
export function NextAttempt({ time }: { time: Timestamp }) {
  return (
    <>
      {timestampMs(time) > useNow() ? "next" : "due"} <Ago time={time} />
    </>
  );
}

export function Attempts({ delivery, shows }: { delivery: Delivery; shows: Sides }) {
  const query = useAttempts(delivery);
  const attempts = query.data?.attempts ?? [];
  return (
    <div className={styles.attempts}>
      <div className={styles.tools}>
        {shows.event && <EventLink delivery={delivery} />}
        {shows.subscription && <SubscriptionLink delivery={delivery} />}
        <RetryButton delivery={delivery} />
      </div>
      {query.isPending && <Skeleton rows={2} label="Loading attempts" />}
      {query.isError && !query.data && (
        <ErrorState
          title="Attempts could not be loaded"
          cause={query.error}
          onRetry={() => void query.refetch()}
        />
      )}
      {query.data && attempts.length === 0 && <p>The first attempt has not ended yet.</p>}
      {query.data && query.data.attemptsLeftOut > 0 && (
        <p>
          {query.data.attemptsLeftOut} attempts between the first 10 and the last 40 are left out.
        </p>
      )}
      {attempts.toReversed().map((attempt, index) => (
        <AttemptView key={attempt.number} attempt={attempt} isOpen={index === 0} />
      ))}
    </div>
  );
}

function EventLink({ delivery }: { delivery: Delivery }) {
  return (
    <Link
      to="/events/$eventId"
      params={{ eventId: delivery.eventId }}
      search={({ tenant }) => ({ tenant, delivery: delivery.id })}
    >
      Event <code>{delivery.eventId}</code>
    </Link>
  );
}

function SubscriptionLink({ delivery }: { delivery: Delivery }) {
  return (
    <Link
      to="/subscriptions/$subscriptionId"
      params={{ subscriptionId: delivery.subscriptionId }}
      search={({ tenant }) => ({ tenant, delivery: delivery.id })}
    >
      Subscription {delivery.subscriptionName}
    </Link>
  );
}

function RetryButton({ delivery }: { delivery: Delivery }) {
  const { isAdmin } = useAccess();
  const retry = useRetryDelivery();
  const canRetry =
    delivery.state === DeliveryState.DEAD || delivery.state === DeliveryState.RETRYING;
  if (!isAdmin || !canRetry) return null;
  return (
    <>
      {retry.isError && <Notice tone="bad">{readFault(retry.error).message}</Notice>}
      <Button icon="retry" busy={retry.isPending} onClick={() => retry.retry(delivery.id)}>
        Retry now
      </Button>
    </>
  );
}
