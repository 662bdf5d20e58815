import { Link } from "@tanstack/react-router";
import type { FailureStats } from "#gen/postrider/v1/stats_pb";
import { clsx } from "@/ui/clsx";
import { failureWords } from "@/ui/format/failure";
import { countText, percentText } from "@/ui/format/number";
import { Skeleton } from "@/ui/states";
import { tableClass } from "@/ui/table";
import { topRows } from "./rankings";
import styles from "./rankings.module.css";
import type { Span } from "./span";

interface Props {
  failures: readonly FailureStats[] | undefined;
  /** Failed attempts of the span, of any subscription and for any reason. */
  failed: number;
  span: Span;
}

/** Which subscriptions fail, and why; the most frequent first. */
export function FailureRanking({ failures, failed, span }: Props) {
  const shown = failures?.slice(0, topRows) ?? [];
  const rest = shown.reduce((left, one) => left - Number(one.failed), failed);
  return (
    <section className={clsx(styles.ranking, styles.types)} aria-labelledby="failure-ranking">
      <h2 id="failure-ranking">Failures</h2>
      {!failures && <Skeleton rows={2} label="Loading failures" />}
      {failures && failed === 0 && <p>No failed attempts in {span.words}.</p>}
      {failures && failed > 0 && (
        <table className={tableClass}>
          <thead>
            <tr>
              <th scope="col">Subscription</th>
              <th scope="col">Reason</th>
              <th scope="col" data-number>
                Failed
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((one) => (
              <tr key={`${one.subscriptionId} ${one.kind} ${one.statusCode}`}>
                <th scope="row">
                  <Link
                    to="/deliveries"
                    search={({ tenant }) => ({
                      tenant,
                      subscription: one.subscriptionId,
                      state: "FAILED",
                    })}
                    className={styles.name}
                  >
                    {one.subscriptionName}
                  </Link>
                </th>
                <td data-label="Reason">{failureWords(one)}</td>
                <Share failed={Number(one.failed)} of={failed} />
              </tr>
            ))}
            {rest > 0 && (
              <tr>
                <th scope="row">
                  <Link
                    to="/deliveries"
                    search={({ tenant }) => ({ tenant, state: "FAILED" })}
                    className={styles.rest}
                  >
                    The rest
                  </Link>
                </th>
                <td data-label="Reason">other</td>
                <Share failed={rest} of={failed} />
              </tr>
            )}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Share({ failed, of }: { failed: number; of: number }) {
  return (
    <td data-label="Failed" data-number className={styles.bad}>
      {countText(failed)} <span className={styles.zero}>{percentText((failed / of) * 100)}</span>
    </td>
  );
}
