import { Link } from "@tanstack/react-router";
import { type Delivery, DeliveryState } from "#gen/postrider/v1/delivery_pb";
import { readFault } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";
import { Button } from "@/ui/button";
import { ErrorState, Notice, Skeleton } from "@/ui/states";
import { AttemptView } from "./attempt-view";
import styles from "./attempts.module.css";
import { useAttempts, useRetryDelivery } from "./queries";

/** What the page around a delivery does not already say of it. */
export interface Sides {
  event: boolean;
  subscription: boolean;
}

/** The attempts of a delivery, newest first, and what can be done with it. */
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
