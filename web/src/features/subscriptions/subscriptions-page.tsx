import { Link } from "@tanstack/react-router";
import type { Subscription } from "#gen/postrider/v1/subscription_pb";
import { useAccess } from "@/rpc/session";
import { Badge } from "@/ui/badge";
import { Button, buttonClass } from "@/ui/button";
import { Icon } from "@/ui/icon";
import { Page } from "@/ui/page";
import { moveRowFocus, useShortcuts } from "@/ui/shortcuts";
import { EmptyState, ErrorState, Skeleton } from "@/ui/states";
import { tableClass } from "@/ui/table";
import { Ago } from "@/ui/time";
import { backlogText, overallStatus, SuccessRate } from "./health";
import { useSubscriptions } from "./queries";
import { typesOf } from "./subscription";
import styles from "./subscriptions-page.module.css";
import { placeOf } from "./targets/registry";

/** Every subscription with its health. */
export function SubscriptionsPage() {
  const { isAdmin } = useAccess();
  const query = useSubscriptions();
  useShortcuts({ j: () => moveRowFocus(1), k: () => moveRowFocus(-1) });
  const subscriptions = query.data?.pages.flatMap((page) => page.subscriptions) ?? [];
  return (
    <Page title="Subscriptions" actions={isAdmin && <NewLink />}>
      {query.isPending && <Skeleton rows={5} label="Loading subscriptions" />}
      {query.isError && !query.data && (
        <ErrorState
          title="Subscriptions could not be loaded"
          cause={query.error}
          onRetry={() => void query.refetch()}
        />
      )}
      {query.data && subscriptions.length === 0 && <NoSubscriptions />}
      {subscriptions.length > 0 && <Table subscriptions={subscriptions} />}
      {query.hasNextPage && (
        <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          Load more
        </Button>
      )}
    </Page>
  );
}

function NewLink() {
  return (
    <Link
      to="/subscriptions/new"
      search={({ tenant }) => ({ tenant })}
      className={buttonClass("main")}
    >
      <Icon name="plus" /> New subscription
    </Link>
  );
}

function NoSubscriptions() {
  const { isAdmin } = useAccess();
  return (
    <EmptyState title="No subscriptions yet">
      <p>
        A subscription defines which events are delivered where: a filter such as{" "}
        <code>order.*</code>, and the URL of a webhook. Each event is sent there as a signed POST
        request, and retried until it is delivered or dead.
      </p>
      {isAdmin && (
        <p>
          <NewLink />
        </p>
      )}
    </EmptyState>
  );
}

function Table({ subscriptions }: { subscriptions: Subscription[] }) {
  return (
    <table className={tableClass}>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">State</th>
          <th scope="col">Success, 1 h</th>
          <th scope="col" data-number>
            Backlog
          </th>
          <th scope="col" data-number>
            Retrying
          </th>
          <th scope="col" data-number>
            Dead
          </th>
          <th scope="col">Last success</th>
          <th scope="col">Last error</th>
        </tr>
      </thead>
      <tbody>
        {subscriptions.map((subscription) => (
          <Row key={subscription.id} subscription={subscription} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ subscription }: { subscription: Subscription }) {
  const { id, name, health } = subscription;
  return (
    <tr>
      <th scope="row">
        <Link
          to="/subscriptions/$subscriptionId"
          params={{ subscriptionId: id }}
          search={({ tenant }) => ({ tenant })}
          className={styles.name}
          data-row={id}
        >
          {name}
        </Link>
        <span className={styles.about}>
          <code>{typesOf(subscription).join(", ")}</code> → <code>{placeOf(subscription)}</code>
        </span>
      </th>
      <td data-label="State">
        <Badge status={overallStatus(subscription)} />
      </td>
      <td data-label="Success, 1 h">{health && <SuccessRate health={health} />}</td>
      <td data-label="Backlog" data-number>
        {health && backlogText(health)}
      </td>
      <td data-label="Retrying" data-number>
        {Number(health?.retrying ?? 0).toLocaleString("en")}
      </td>
      <td data-label="Dead" data-number className={health?.dead ? styles.dead : undefined}>
        {Number(health?.dead ?? 0).toLocaleString("en")}
      </td>
      <td data-label="Last success">
        <Ago time={health?.lastSuccessTime} />
      </td>
      <td data-label="Last error" data-wide className={styles.error}>
        {health?.hold?.reason || health?.lastError || "none"}
      </td>
    </tr>
  );
}
