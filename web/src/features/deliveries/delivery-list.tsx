import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useId } from "react";
import { type Delivery, DeliveryState } from "#gen/postrider/v1/delivery_pb";
import { deliveryStatus } from "@/theme/status";
import { Badge } from "@/ui/badge";
import { EventType } from "@/ui/event-type";
import { milliseconds, shortDuration } from "@/ui/format/duration";
import { Icon } from "@/ui/icon";
import { Ago } from "@/ui/time";
import { Attempts, type Sides } from "./attempts";
import { DeliveryFeed } from "./delivery-feed";
import styles from "./delivery-list.module.css";
import { NextAttempt } from "./next-attempt";
import { useDeliveries } from "./queries";
import { RowDetail } from "./row-detail";
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
  const feed = useDeliveries({ subscription, eventId, states });
  const { deliveries } = feed;
  const sides = { event: eventId === undefined, subscription: subscription === undefined };
  return (
    <DeliveryFeed feed={feed} skeletonRows={3} className={styles.list}>
      {deliveries.length === 0 && <div className={styles.empty}>{empty}</div>}
      <ul>
        {deliveries.map((delivery) => (
          <li key={delivery.id} className={styles.item}>
            <DeliveryRow delivery={delivery} shows={sides} isOpen={delivery.id === openId} />
          </li>
        ))}
      </ul>
    </DeliveryFeed>
  );
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
            {shows.subscription && (delivery.subscriptionName || delivery.subscriptionId)}
          </span>
        </button>
        <Badge status={deliveryStatus[delivery.state]} />
        <span className={styles.outcome}>{summary(delivery)}</span>
        <span className={styles.when}>
          <When delivery={delivery} />
        </span>
      </div>
      <div id={id}>
        {isOpen && (
          <RowDetail row={delivery.id} label={`Attempts of ${delivery.eventId}`} onClose={toggle}>
            <Attempts delivery={delivery} shows={shows} />
          </RowDetail>
        )}
      </div>
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
