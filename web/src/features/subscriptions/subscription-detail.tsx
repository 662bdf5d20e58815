import { Code } from "@connectrpc/connect";
import { Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import type { Attempt } from "#gen/postrider/v1/delivery_pb";
import { PayloadFormat } from "#gen/postrider/v1/event_pb";
import {
  type Subscription,
  type SubscriptionHealth,
  SubscriptionState,
} from "#gen/postrider/v1/subscription_pb";
import { readFault, sentence } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";
import { breakerStatus } from "@/theme/status";
import { Badge } from "@/ui/badge";
import { Button, buttonClass } from "@/ui/button";
import { Actions, Dialog } from "@/ui/dialog";
import { Facts } from "@/ui/facts";
import { milliseconds, writeDuration } from "@/ui/format/duration";
import { Page } from "@/ui/page";
import { moveRowFocus, useShortcuts } from "@/ui/shortcuts";
import { EmptyState, ErrorState, Notice, Skeleton } from "@/ui/states";
import { Ago, Instant, useNow } from "@/ui/time";
import { conditionOf } from "./condition";
import { backlogText, ConditionText, SuccessRate } from "./health";
import {
  useDeleteSubscription,
  usePauseSubscription,
  useResumeSubscription,
  useSubscription,
} from "./queries";
import { Secret } from "./secret";
import { typesOf } from "./subscription";
import styles from "./subscription-detail.module.css";
import { targetFacts } from "./targets/registry";
import { TestDialog } from "./test-dialog";

interface Props {
  id: string;
  /** How an attempt is shown; deliveries know that. */
  renderAttempt: (attempt: Attempt) => ReactNode;
  /** Its deliveries, given its id. */
  children: (subscriptionId: string) => ReactNode;
}

export function SubscriptionDetail({ id, renderAttempt, children }: Props) {
  const query = useSubscription(id);
  useShortcuts({ j: () => moveRowFocus(1), k: () => moveRowFocus(-1) });
  const subscription = query.data?.subscription;
  if (query.isPending) {
    return (
      <Page title="Subscription">
        <Skeleton rows={6} label="Loading the subscription" />
      </Page>
    );
  }
  if (!subscription || (query.isError && readFault(query.error).code === Code.NotFound)) {
    return (
      <Page title="Subscription">
        <Missing id={id} cause={query.error} onRetry={() => void query.refetch()} />
      </Page>
    );
  }
  return (
    <Page
      title={subscription.name}
      actions={<Controls subscription={subscription} renderAttempt={renderAttempt} />}
    >
      {subscription.description && <p>{subscription.description}</p>}
      <Condition subscription={subscription} />
      <div className={styles.columns}>
        <Configuration subscription={subscription} />
        <Health subscription={subscription} />
      </div>
      {children(subscription.id)}
    </Page>
  );
}

function Missing({ id, cause, onRetry }: { id: string; cause: unknown; onRetry: () => void }) {
  if (cause && readFault(cause).code !== Code.NotFound) {
    return (
      <ErrorState title="The subscription could not be loaded" cause={cause} onRetry={onRetry} />
    );
  }
  return (
    <EmptyState title="No such subscription">
      <p>
        There is no subscription <code>{id}</code> in this tenant.
      </p>
      <p>
        <Link to="/subscriptions" search={({ tenant }) => ({ tenant })}>
          All subscriptions
        </Link>
      </p>
    </EmptyState>
  );
}

/** How it is, in words, with the cause. */
function Condition({ subscription }: { subscription: Subscription }) {
  const { detail, tone } = conditionOf(subscription, useNow());
  return (
    <div className={styles.condition}>
      <ConditionText subscription={subscription} />
      {detail && <p className={tone === "bad" ? styles.cause : undefined}>{detail}</p>}
    </div>
  );
}

function Configuration({ subscription }: { subscription: Subscription }) {
  const { policy, target } = subscription;
  const { isAdmin } = useAccess();
  const schedule = policy?.retrySchedule ?? [];
  return (
    <section aria-label="Configuration">
      <Facts
        facts={[
          ["events", <code key="types">{typesOf(subscription).join(", ")}</code>],
          [
            "where",
            subscription.filter?.expression && (
              <Expression key="where" subscription={subscription} />
            ),
          ],
          ...targetFacts(target),
          ["secret", isAdmin && <Secret key="secret" subscriptionId={subscription.id} />],
          ["started", <Started key="started" subscription={subscription} />],
          ["retries", schedule.map((wait) => writeDuration(milliseconds(wait))).join(", ")],
          ["concurrency", policy?.concurrency ? String(policy.concurrency) : ""],
          ["timeout", policy?.timeout ? writeDuration(milliseconds(policy.timeout)) : ""],
          [
            "payloads",
            subscription.payloadFormat === PayloadFormat.JSON_DEFAULTS &&
              "with the defaults of fields that are not set",
          ],
          ["id", <code key="id">{subscription.id}</code>],
        ]}
      />
    </section>
  );
}

function Expression({ subscription }: { subscription: Subscription }) {
  return <code className={styles.expression}>{subscription.filter?.expression}</code>;
}

/** How often the filter's expression failed, and how it did last. */
function FilterErrors({ health }: { health: SubscriptionHealth }) {
  return (
    <>
      {health.filterErrors.toLocaleString("en")} events not selected since the server's start.{" "}
      {sentence(health.lastFilterError)}
    </>
  );
}

function Started({ subscription }: { subscription: Subscription }) {
  return (
    <>
      <Instant time={subscription.createTime} />
      {subscription.start && `, from ${subscription.start}`}
    </>
  );
}

function Health({ subscription }: { subscription: Subscription }) {
  const { health } = subscription;
  if (!health) return null;
  return (
    <section aria-label="Health">
      <Facts
        facts={[
          ["success, 1 h", <SuccessRate key="rate" health={health} />],
          ["backlog", backlogText(health)],
          ["retrying", Number(health.retrying).toLocaleString("en")],
          ["dead", Number(health.dead).toLocaleString("en")],
          ["breaker", <Badge key="breaker" status={breakerStatus[health.breaker]} />],
          ["last success", <Ago key="success" time={health.lastSuccessTime} />],
          ["last error", health.lastError],
          [
            "filter errors",
            health.filterErrors > 0n && <FilterErrors key="filter" health={health} />,
          ],
        ]}
      />
    </section>
  );
}

function Controls(props: { subscription: Subscription; renderAttempt: Props["renderAttempt"] }) {
  const { subscription, renderAttempt } = props;
  const { isAdmin } = useAccess();
  const [open, setOpen] = useState<"test" | "delete">();
  if (!isAdmin) return null;
  const params = { subscriptionId: subscription.id };
  return (
    <>
      <PauseOrResume subscription={subscription} />
      <Button onClick={() => setOpen("test")}>Test</Button>
      <Link
        to="/subscriptions/$subscriptionId/edit"
        params={params}
        search={({ tenant }) => ({ tenant })}
        className={buttonClass()}
      >
        Edit
      </Link>
      <Button kind="danger" onClick={() => setOpen("delete")}>
        Delete
      </Button>
      {open === "test" && (
        <TestDialog
          subscription={subscription}
          renderAttempt={renderAttempt}
          onClose={() => setOpen(undefined)}
        />
      )}
      {open === "delete" && (
        <DeleteDialog subscription={subscription} onClose={() => setOpen(undefined)} />
      )}
    </>
  );
}

function PauseOrResume({ subscription: { id, state } }: { subscription: Subscription }) {
  const { tenant } = useAccess();
  const pause = usePauseSubscription();
  const resume = useResumeSubscription();
  const active = state === SubscriptionState.ACTIVE;
  const action = active ? pause : resume;
  const error = pause.error ?? resume.error;
  return (
    <>
      {error && <Notice tone="bad">{readFault(error).message}</Notice>}
      <Button
        icon={active ? "pause" : "play"}
        kind={active ? "plain" : "main"}
        busy={action.isPending}
        onClick={() => action.mutate({ tenant, id })}
      >
        {active ? "Pause" : "Resume"}
      </Button>
    </>
  );
}

function DeleteDialog({
  subscription,
  onClose,
}: {
  subscription: Subscription;
  onClose: () => void;
}) {
  const { tenant } = useAccess();
  const navigate = useNavigate();
  const remove = useDeleteSubscription();
  const leave = () =>
    void navigate({ to: "/subscriptions", search: ({ tenant: kept }) => ({ tenant: kept }) });
  return (
    <Dialog title={`Delete ${subscription.name}?`} onClose={onClose}>
      <p>
        Deliveries stop, and the subscription is deleted with all its deliveries. Events are kept.
      </p>
      {remove.isError && <Notice tone="bad">{readFault(remove.error).message}</Notice>}
      <Actions>
        <Button onClick={onClose}>Keep it</Button>
        <Button
          kind="danger"
          icon="trash"
          busy={remove.isPending}
          onClick={() =>
            remove.mutate(
              { tenant, id: subscription.id, revision: subscription.revision },
              { onSuccess: leave },
            )
          }
        >
          Delete
        </Button>
      </Actions>
    </Dialog>
  );
}
