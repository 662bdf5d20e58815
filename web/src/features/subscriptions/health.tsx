import type { Subscription, SubscriptionHealth } from "#gen/postrider/v1/subscription_pb";
import { BreakerState, SubscriptionState } from "#gen/postrider/v1/subscription_pb";
import { breakerStatus, type Status, setAsideStatus, subscriptionStatus } from "@/theme/status";
import { percentText } from "@/ui/format/number";
import styles from "./health.module.css";

/** The backlog is exact up to this number; one more means "more". */
const backlogLimit = 10_000;

/** The one state that matters most: not active goes before an open breaker, that before active. */
export function overallStatus({ state, health }: Subscription): Status {
  if (state !== SubscriptionState.ACTIVE) return subscriptionStatus[state];
  if (health?.hold && !health.hold.untilTime) return setAsideStatus;
  const breaker = health?.breaker ?? BreakerState.UNSPECIFIED;
  if (breaker === BreakerState.OPEN) return { ...breakerStatus[breaker], label: "Failing" };
  if (breaker === BreakerState.HOLDING) return breakerStatus[breaker];
  return subscriptionStatus[state];
}

export function backlogText({ backlog }: SubscriptionHealth): string {
  return backlog > backlogLimit ? "10,000+" : Number(backlog).toLocaleString("en");
}

/** The share of attempts that succeeded in the last hour, as a bar and a number. A 429 counts as neither. */
export function SuccessRate({ health }: { health: SubscriptionHealth }) {
  if (health.successRate === undefined) return <span className={styles.none}>–</span>;
  const percent = health.successRate * 100;
  return (
    <span
      className={styles.rate}
      title={`${Number(health.attempts).toLocaleString("en")} attempts in the last hour`}
    >
      <span className={styles.bar} aria-hidden="true">
        <span style={{ width: `${percent}%` }} />
      </span>
      {percentText(percent)}
    </span>
  );
}
