import { Link } from "@tanstack/react-router";
import type { EventTypeStats, SubscriptionStats } from "#gen/postrider/v1/stats_pb";
import { clsx } from "@/ui/clsx";
import { EventType } from "@/ui/event-type";
import { shortDuration } from "@/ui/format/duration";
import { countText, percentText } from "@/ui/format/number";
import { Skeleton } from "@/ui/states";
import { tableClass } from "@/ui/table";
import { readLatency } from "./point";
import styles from "./rankings.module.css";
import type { Span } from "./span";

/** The statistics of each subscription for the span; the busiest first. */
export function SubscriptionRanking(props: {
  subscriptions: readonly SubscriptionStats[] | undefined;
  span: Span;
}) {
  const { subscriptions, span } = props;
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
            {subscriptions.map((stats) => (
              <SubscriptionRow key={stats.id} stats={stats} />
            ))}
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
      <Count label="Delivered" value={stats.delivered} />
      <Count label="Failed" value={stats.failed} tone={styles.bad} />
      <Count label="Dead" value={stats.dead} tone={styles.bad} />
      <td data-label="p95" data-number className={latency ? undefined : styles.zero}>
        {latency ? shortDuration(latency.p95) : "–"}
      </td>
      <Count label="Backlog" value={stats.backlog} />
      <Count label="Retrying" value={stats.retrying} tone={styles.warn} />
    </tr>
  );
}

/** A number that is dimmed if it is zero. */
function Count(props: { label: string; value: bigint; tone?: string | undefined }) {
  const { label, value, tone } = props;
  return (
    <td data-label={label} data-number className={value === 0n ? styles.zero : tone}>
      {countText(Number(value))}
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
            {types.map(({ type, published: count }) => (
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
