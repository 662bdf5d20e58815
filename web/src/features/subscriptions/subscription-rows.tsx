import { useNavigate, useRouter } from "@tanstack/react-router";
import { type MouseEvent, memo, useCallback } from "react";
import type { Subscription } from "#gen/postrider/v1/subscription_pb";
import { clsx } from "@/ui/clsx";
import { countText } from "@/ui/format/number";
import { useMedia } from "@/ui/media";
import { isPlainClick, rowLinkClass } from "@/ui/row-link";
import { Ago } from "@/ui/time";
import { VirtualList } from "@/ui/virtual-list";
import type { Listed } from "./condition";
import { backlogText, ConditionText, SuccessRate } from "./health";
import { typesOf } from "./subscription";
import styles from "./subscription-rows.module.css";
import { placeOf } from "./targets/registry";

/** Below this width a row is a card. */
const cards = "(max-width: 900px)";
const columns = ["Name", "State", "Success, 1 h", "Backlog", "Retrying", "Dead", "Last success"];

/** A thousand rows cost no more than a screenful. */
export function SubscriptionRows(props: {
  rows: readonly Listed[];
  /** Each says its tenant, and leads to it there. */
  ofAll: boolean;
}) {
  const { rows, ofAll } = props;
  const isCards = useMedia(cards);
  const { query, open } = useRowLink();
  return (
    <VirtualList
      rows={rows}
      rowKey={({ subscription }) => subscription.id}
      rowHeight={isCards ? 124 : 56}
      label="Subscriptions, failing first"
      columns={columns}
      isCards={isCards}
      layout={styles.row}
      rowClassName={() => styles.entry}
    >
      {({ subscription }) => (
        <Cells
          subscription={subscription}
          tenant={ofAll ? subscription.tenant : undefined}
          query={query}
          onOpen={open}
        />
      )}
    </VirtualList>
  );
}

/** Plain anchors: the router's own link works out its target at every render. */
function useRowLink() {
  const router = useRouter();
  const navigate = useNavigate();
  const search = ({ tenant }: { tenant?: string }) => ({ tenant });
  const query = router.buildLocation({ to: "/subscriptions/new", search }).searchStr;
  const open = useCallback(
    (event: MouseEvent<HTMLAnchorElement>) => {
      if (!isPlainClick(event)) return;
      event.preventDefault();
      const { row: subscriptionId = "", tenant: own } = event.currentTarget.dataset;
      void navigate({
        to: "/subscriptions/$subscriptionId",
        params: { subscriptionId },
        search: ({ tenant }: { tenant?: string }) => ({ tenant: own ?? tenant }),
      });
    },
    [navigate],
  );
  return { query, open };
}

const Cells = memo(function Cells(props: {
  subscription: Subscription;
  /** Its tenant, where those of several are listed. */
  tenant: string | undefined;
  query: string;
  onOpen: (event: MouseEvent<HTMLAnchorElement>) => void;
}) {
  const { subscription, tenant, query, onOpen } = props;
  const { id, name, health } = subscription;
  const dead = health?.dead ?? 0n;
  return (
    <>
      <span role="cell" className={clsx(styles.cell, styles.who)}>
        <a
          href={`/subscriptions/${id}${tenant ? `?tenant=${tenant}` : query}`}
          onClick={onOpen}
          className={clsx(rowLinkClass, styles.name)}
          data-row={id}
          data-tenant={tenant}
          title={name}
        >
          {name}
        </a>
        <span className={styles.about}>
          {tenant && <strong>{tenant}: </strong>}
          <code>{typesOf(subscription).join(", ")}</code> → <code>{placeOf(subscription)}</code>
        </span>
      </span>
      <span role="cell" className={styles.condition}>
        <ConditionText subscription={subscription} />
      </span>
      <span role="cell" className={clsx(styles.cell, styles.rate)}>
        {health && <SuccessRate health={health} />}
      </span>
      <span role="cell" className={clsx(styles.cell, styles.number)} data-label="backlog">
        {health && backlogText(health)}
      </span>
      <span role="cell" className={clsx(styles.cell, styles.number)} data-label="retrying">
        {countText(Number(health?.retrying ?? 0))}
      </span>
      <span
        role="cell"
        className={clsx(styles.cell, styles.number, dead > 0n && styles.dead)}
        data-label="dead"
      >
        {countText(Number(dead))}
      </span>
      <span role="cell" className={clsx(styles.cell, styles.last)}>
        <Ago time={health?.lastSuccessTime} />
      </span>
    </>
  );
});
