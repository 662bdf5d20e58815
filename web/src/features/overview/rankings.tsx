import { Link } from "@tanstack/react-router";
import type { EventTypeStats, StatsTotals, SubscriptionStats } from "#gen/postrider/v1/stats_pb";
import { clsx } from "@/ui/clsx";
import { EventType } from "@/ui/event-type";
import { shortDuration } from "@/ui/format/duration";
import { countText, percentText } from "@/ui/format/number";
import { Skeleton } from "@/ui/states";
import { tableClass } from "@/ui/table";
import { readLatency } from "./point";
import styles from "./rankings.module.css";
import type { Span } from "./span";

/** A ranking has this many rows, and one for the rest. */
export const topRows = 8;

/** The statistics of each subscription for the span; the busiest first. */
export function SubscriptionRanking(props: {
  subscriptions: readonly SubscriptionStats[] | undefined;
  /** The sums of the whole tenant, from which the rest follows. */
  totals: StatsTotals | undefined;
  span: Span;
}) {
  const { subscriptions, totals, span } = props;
  return (
    <section className={styles.ranking} aria-labelledby="subscription-ranking">
      <h2 id="subscription-ranking">Subscriptions</h2>
      {!subscriptions && <Skeleton rows={3} label="Loading subscriptions" />}
      {subscriptions?.length === 0 && <p>No deliveries in {span.words}.</p>}
      {subscriptions && subscriptions.length > 0 && (
        <table className={tableClass}>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Success</th>
              <th scope="col" data-number>
                Delivered
              </th>
              <th scope="col" data-number>
                Failed
              </th>
              <th scope="col" data-number>
                Dead
              </th>
              <th scope="col" data-number>
                p95
              </th>
              <th scope="col" data-number>
                Backlog
              </th>
              <th scope="col" data-number>
                Retrying
              </th>
            </tr>
          </thead>
          <tbody>
            {subscriptions.slice(0, topRows).map((stats) => (
              <SubscriptionRow key={stats.id} stats={stats} />
            ))}
            {subscriptions.length > topRows && (
              <RestRow shown={subscriptions.slice(0, topRows)} totals={totals} />
            )}
          </tbody>
        </table>
      )}
    </section>
  );
}

function SubscriptionRow({ stats }: { stats: SubscriptionStats }) {
  const latency = readLatency(stats.latency);
  return (
    <tr>
      <th scope="row">
        <Link
          to="/subscriptions/$subscriptionId"
          params={{ subscriptionId: stats.id }}
          search={({ tenant }) => ({ tenant })}
          className={styles.name}
          data-row={stats.id}
        >
          {stats.name}
        </Link>
      </th>
      <td data-label="Success">
        <Success ratio={stats.successRatio} />
      </td>
      <Count label="Delivered" value={stats.delivered} of={stats.id} state="DELIVERED" />
      <Count label="Failed" value={stats.failed} tone={styles.bad} of={stats.id} state="FAILED" />
      <Count label="Dead" value={stats.dead} tone={styles.bad} of={stats.id} state="DEAD" />
      <td data-label="p95" data-number className={latency ? undefined : styles.zero}>
        {latency ? shortDuration(latency.p95) : "–"}
      </td>
      <Count label="Backlog" value={stats.backlog} />
      <Count
        label="Retrying"
        value={stats.retrying}
        tone={styles.warn}
        of={stats.id}
        state="RETRYING"
      />
    </tr>
  );
}

/** What the totals have beyond the subscriptions that are shown; latencies cannot be told apart. */
function RestRow(props: { shown: readonly SubscriptionStats[]; totals: StatsTotals | undefined }) {
  const { shown, totals } = props;
  const rest = (name: "delivered" | "failed" | "dead") =>
    shown.reduce((left, stats) => left - stats[name], totals?.[name] ?? 0n);
  const count = (name: "delivered" | "failed" | "dead") => (rest(name) > 0n ? rest(name) : 0n);
  const attempts = Number(count("delivered") + count("failed"));
  return (
    <tr>
      <th scope="row">
        <Link to="/subscriptions" search={({ tenant }) => ({ tenant })} className={styles.rest}>
          The rest
        </Link>
      </th>
      <td data-label="Success">
        <Success ratio={attempts > 0 ? Number(count("delivered")) / attempts : undefined} />
      </td>
      <Count label="Delivered" value={count("delivered")} />
      <Count label="Failed" value={count("failed")} tone={styles.bad} />
      <Count label="Dead" value={count("dead")} tone={styles.bad} />
      {["p95", "Backlog", "Retrying"].map((label) => (
        <td key={label} data-label={label} data-number className={styles.zero}>
          –
        </td>
      ))}
    </tr>
  );
}

/** A number that is dimmed if it is zero, and leads to the deliveries behind it. */
function Count(props: {
  label: string;
  value: bigint;
  tone?: string | undefined;
  /** The subscription whose deliveries it counts. */
  of?: string;
  state?: string;
}) {
  const { label, value, tone, of, state } = props;
  const text = countText(Number(value));
  return (
    <td data-label={label} data-number className={value === 0n ? styles.zero : tone}>
      {of && state && value > 0n ? (
        <Link
          to="/deliveries"
          search={({ tenant }) => ({ tenant, subscription: of, state })}
          className={styles.count}
        >
          {text}
        </Link>
      ) : (
        text
      )}
    </td>
  );
}

function Success({ ratio }: { ratio: number | undefined }) {
  if (ratio === undefined) return <span className={styles.zero}>–</span>;
  return (
    <span className={styles.share}>
      <Bar className={styles.success} ratio={ratio} />
      <span className={styles.percent}>{percentText(ratio * 100)}</span>
    </span>
  );
}

/** The types that were published most in the span. */
export function TypeRanking(props: {
  types: readonly EventTypeStats[] | undefined;
  /** Events of the span, of any type. */
  published: number;
  span: Span;
}) {
  const { types, published, span } = props;
  const busiest = Number(types?.[0]?.published ?? 0);
  const shown = types?.slice(0, topRows) ?? [];
  const rest = shown.reduce((left, one) => left - Number(one.published), published);
  return (
    <section className={clsx(styles.ranking, styles.types)} aria-labelledby="type-ranking">
      <h2 id="type-ranking">Busiest types</h2>
      {!types && <Skeleton rows={3} label="Loading event types" />}
      {types?.length === 0 && <p>No events in {span.words}.</p>}
      {types && types.length > 0 && (
        <table className={tableClass}>
          <thead>
            <tr>
              <th scope="col">Type</th>
              <th scope="col">Share</th>
              <th scope="col" data-number>
                Published
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ type, published: count }) => (
              <tr key={type}>
                <th scope="row">
                  <Link
                    to="/events"
                    search={({ tenant }) => ({ tenant, types: type })}
                    className={styles.name}
                    data-row={type}
                  >
                    <EventType name={type} />
                  </Link>
                </th>
                <td data-label="Share">
                  <span className={styles.share}>
                    <Bar className={styles.volume} ratio={Number(count) / busiest} />
                    <span className={styles.percent}>
                      {percentText(Math.min(100, (Number(count) / Math.max(published, 1)) * 100))}
                    </span>
                  </span>
                </td>
                <td data-label="Published" data-number>
                  {countText(Number(count))}
                </td>
              </tr>
            ))}
            {rest > 0 && types.length > topRows && (
              <tr>
                <th scope="row">
                  <Link
                    to="/event-types"
                    search={({ tenant }) => ({ tenant })}
                    className={styles.rest}
                  >
                    The rest
                  </Link>
                </th>
                <td data-label="Share">
                  <span className={styles.share}>
                    <Bar className={styles.volume} ratio={Math.min(1, rest / busiest)} />
                    <span className={styles.percent}>{percentText((rest / published) * 100)}</span>
                  </span>
                </td>
                <td data-label="Published" data-number>
                  {countText(rest)}
                </td>
              </tr>
            )}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Bar({ ratio, className }: { ratio: number; className: string | undefined }) {
  return (
    <span className={`${styles.bar} ${className}`} aria-hidden="true">
      <span style={{ width: `${ratio * 100}%` }} />
    </span>
  );
}
