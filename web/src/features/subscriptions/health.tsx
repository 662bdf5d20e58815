import type { Subscription, SubscriptionHealth } from "#gen/postrider/v1/subscription_pb";
import { Dot } from "@/ui/badge";
import { clsx } from "@/ui/clsx";
import { percentText } from "@/ui/format/number";
import { useNow } from "@/ui/time";
import { conditionOf } from "./condition";
import styles from "./health.module.css";

/** The backlog is exact up to this number; one more means "more". */
const backlogLimit = 10_000;

export function backlogText({ backlog }: SubscriptionHealth): string {
  return backlog > backlogLimit ? "10,000+" : Number(backlog).toLocaleString("en");
}

/** How a subscription is, in words that stay true while time passes. */
export function ConditionText({ subscription }: { subscription: Subscription }) {
  const { tone, text, detail } = conditionOf(subscription, useNow());
  return (
    <span className={clsx(styles.condition, styles[tone])} title={[text, detail].join("\n").trim()}>
      <Dot status={{ tone, label: text, hint: detail }} />
      <span className={styles.words}>{text}</span>
    </span>
  );
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
