import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  AttemptFailureKind,
  BreakerState,
  type Subscription,
  type SubscriptionHealth,
  SubscriptionHoldKind,
  SubscriptionState,
} from "#gen/postrider/v1/subscription_pb";
import { sentence } from "@/rpc/fault";
import type { Tone } from "@/theme/status";
import { failureWords, unreachable } from "@/ui/format/failure";
import { relative, shortClock } from "@/ui/format/time";

/** The groups in the order of a list: what needs somebody first. */
export const groups = ["failing", "held", "paused", "disabled", "healthy"] as const;
export type Group = (typeof groups)[number];

/** How a subscription is, in words. */
export interface Condition {
  group: Group;
  tone: Tone;
  /** "Failing: 100 % refused (400) since 14:02". */
  text: string;
  /** More of the cause, or what happens next; empty if the text says everything. */
  detail: string;
}

/** This many failures in a row, or this long without a success, and nothing arrives any more. */
const manyFailures = 5n;
const longMs = 30_000;
/** Fewer failures than this of the newest 20 attempts are normal. */
const someFailures = 3n;

/** Seen from `now`, in milliseconds since the epoch. */
export function conditionOf(subscription: Subscription, now: number): Condition {
  const { state, stateReason, health } = subscription;
  switch (state) {
    case SubscriptionState.PAUSED:
      return paused(health, now);
    case SubscriptionState.DISABLED:
      return disabled(health, stateReason);
    case SubscriptionState.ACTIVE:
      return health ? active(health, now) : unknown;
    default:
      return unknown;
  }
}

const unknown: Condition = {
  group: "healthy",
  tone: "idle",
  text: "Unknown",
  detail: "A newer server may know more.",
};

function paused(health: SubscriptionHealth | undefined, now: number): Condition {
  const before = health?.failingSinceTime ? failingWords(health, now) : "";
  return {
    group: "paused",
    tone: "idle",
    text: "Paused",
    detail: `By a person. It keeps its position and loses nothing.${before && ` Before: ${before}.`}`,
  };
}

function disabled(health: SubscriptionHealth | undefined, reason: string): Condition {
  const status = health?.lastFailure?.kind === AttemptFailureKind.GONE;
  return {
    group: "disabled",
    tone: "bad",
    text: `Disabled by its endpoint (${(status && health?.lastFailure?.statusCode) || 410})`,
    detail: `${reason && `${sentence(reason)} `}It keeps its position until it is resumed.`,
  };
}

function active(health: SubscriptionHealth, now: number): Condition {
  const { hold, breaker } = health;
  if (hold && !hold.untilTime) return setAside(hold.kind, hold.reason);
  if (breaker === BreakerState.HOLDING) return slowedDown(health, now);
  if (breaker === BreakerState.OPEN) return open(health, now);
  if (nothingArrives(health, now)) {
    return {
      group: "failing",
      tone: "bad",
      text: failingWords(health, now),
      detail: sentence(health.lastFailure?.error ?? ""),
    };
  }
  if (health.recentFailures >= someFailures && health.lastFailure) return partly(health);
  return arriving(health);
}

function setAside(kind: SubscriptionHoldKind, reason: string): Condition {
  const isFilter = kind === SubscriptionHoldKind.FILTER;
  return {
    group: "held",
    tone: "bad",
    text: isFilter ? "Held: its filter exceeds its limits" : "Held until it is changed or resumed",
    detail: `${reason && `${sentence(reason)} `}It keeps its position until it is changed or resumed.`,
  };
}

function slowedDown({ hold, resumeTime }: SubscriptionHealth, now: number): Condition {
  const until = hold?.untilTime ?? resumeTime;
  const waits = until !== undefined && timestampMs(until) > now;
  return {
    group: "held",
    tone: "warn",
    text: waits
      ? `Held until ${shortClock(until, now, true)}: asked to slow down`
      : "Held: asked to slow down, trying now",
    detail: sentence(hold?.reason ?? ""),
  };
}

function open(health: SubscriptionHealth, now: number): Condition {
  const { lastFailure, resumeTime } = health;
  const isUnreachable = !lastFailure || lastFailure.kind in unreachable;
  const words = isUnreachable
    ? `Unreachable: ${unreachable[lastFailure?.kind ?? 0]}`
    : failingWords(health, now);
  return {
    group: "failing",
    tone: "bad",
    text: `${words}, ${probeWords(resumeTime, now)}`,
    detail: sentence(lastFailure?.error || health.lastError),
  };
}

function probeWords(at: Timestamp | undefined, now: number): string {
  return at && timestampMs(at) > now ? `next probe ${relative(at, now)}` : "probing now";
}

/** Whether every attempt fails; one failure among many successes is none. */
function nothingArrives(health: SubscriptionHealth, now: number): boolean {
  const { failingSinceTime, failuresSince, recentAttempts, recentFailures } = health;
  if (!failingSinceTime) return false;
  return (
    failuresSince >= manyFailures ||
    recentAttempts === recentFailures ||
    now - timestampMs(failingSinceTime) > longMs
  );
}

function failingWords({ lastFailure, failingSinceTime }: SubscriptionHealth, now: number): string {
  const since = failingSinceTime ? ` since ${shortClock(failingSinceTime, now)}` : "";
  if (!lastFailure) return `Failing${since}`;
  if (lastFailure.kind in unreachable)
    return `Unreachable: ${unreachable[lastFailure.kind]}${since}`;
  return `Failing: 100 % ${failureWords(lastFailure)}${since}`;
}

function partly({ recentAttempts, recentFailures, lastFailure }: SubscriptionHealth): Condition {
  const last = lastFailure ? `, last ${failureWords(lastFailure)}` : "";
  return {
    group: "failing",
    tone: "warn",
    text: `Partly failing: ${recentFailures} of the last ${recentAttempts} attempts${last}`,
    detail: sentence(lastFailure?.error ?? ""),
  };
}

function arriving({ lastSuccessTime, attempts, backlog }: SubscriptionHealth): Condition {
  if (lastSuccessTime || attempts > 0n) {
    return { group: "healthy", tone: "good", text: "Healthy", detail: "" };
  }
  if (backlog > 0n) {
    return { group: "healthy", tone: "wait", text: "Waiting for the first answer", detail: "" };
  }
  return {
    group: "healthy",
    tone: "idle",
    text: "No events yet",
    detail: "No event has matched its filter.",
  };
}

/** Failing first, then held, paused, disabled and healthy; by name in each. */
export function byUrgency(subscriptions: readonly Subscription[], now: number): Listed[] {
  return subscriptions
    .map((subscription) => ({ subscription, group: conditionOf(subscription, now).group }))
    .sort((a, b) => groups.indexOf(a.group) - groups.indexOf(b.group) || byName(a, b));
}

export interface Listed {
  subscription: Subscription;
  group: Group;
}

function byName(a: Listed, b: Listed): number {
  return a.subscription.name < b.subscription.name ? -1 : 1;
}
