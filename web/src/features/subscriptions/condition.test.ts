import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import {
  AttemptFailureKind,
  BreakerState,
  type SubscriptionHealth,
  SubscriptionHealthSchema,
  SubscriptionHoldKind,
  SubscriptionSchema,
  SubscriptionState,
} from "#gen/postrider/v1/subscription_pb";
import { byUrgency, conditionOf } from "./condition";

const now = new Date(2026, 0, 31, 14, 5, 0).getTime();
const at = (seconds: number) => timestampFromMs(now + seconds * 1000);
const { ACTIVE, PAUSED, DISABLED } = SubscriptionState;
const { CLOSED, OPEN, HOLDING } = BreakerState;
const Kind = AttemptFailureKind;

type Health = Exclude<MessageInitShape<typeof SubscriptionHealthSchema>, SubscriptionHealth>;

const failure = (kind: AttemptFailureKind, statusCode = 0, error = "the cause") => ({
  kind,
  statusCode,
  error,
  time: at(-1),
});
const refused: Health = {
  lastFailure: failure(Kind.REFUSED, 400),
  failingSinceTime: at(-180),
  failuresSince: 12n,
  recentAttempts: 12n,
  recentFailures: 12n,
  attempts: 12n,
  successRate: 0,
};
const lost = (kind: AttemptFailureKind): Health => ({
  ...refused,
  lastFailure: failure(kind),
});
const slow = (seconds: number): Health => ({
  breaker: HOLDING,
  resumeTime: at(seconds),
  hold: {
    kind: SubscriptionHoldKind.SLOW_DOWN,
    untilTime: at(seconds),
    reason: "the endpoint answered 429",
  },
});
const fine: Health = { attempts: 20n, recentAttempts: 20n, lastSuccessTime: at(-1) };

const rows: [name: string, state: SubscriptionState, health: Health, words: string][] = [
  ["no traffic", ACTIVE, {}, "healthy idle No events yet"],
  [
    "the first attempt under way",
    ACTIVE,
    { backlog: 1n },
    "healthy wait Waiting for the first answer",
  ],
  ["all delivered", ACTIVE, fine, "healthy good Healthy"],
  ["delivered before a restart", ACTIVE, { lastSuccessTime: at(-9000) }, "healthy good Healthy"],
  [
    "all refused, breaker closed",
    ACTIVE,
    refused,
    "failing bad Failing: 100 % refused (400) since 14:02",
  ],
  [
    "the first of all refused",
    ACTIVE,
    {
      ...refused,
      failingSinceTime: at(-1),
      failuresSince: 1n,
      recentAttempts: 1n,
      recentFailures: 1n,
    },
    "failing bad Failing: 100 % refused (400) since 14:04",
  ],
  [
    "failing before a restart",
    ACTIVE,
    { ...refused, failuresSince: 0n, recentAttempts: 0n, recentFailures: 0n, attempts: 0n },
    "failing bad Failing: 100 % refused (400) since 14:02",
  ],
  [
    "failing since another day",
    ACTIVE,
    { ...refused, failingSinceTime: at(-86_400) },
    "failing bad Failing: 100 % refused (400) since 2026-01-30 14:05",
  ],
  [
    "the newest failed, many before arrived",
    ACTIVE,
    {
      ...fine,
      ...refused,
      failingSinceTime: at(-1),
      failuresSince: 1n,
      recentAttempts: 20n,
      recentFailures: 1n,
    },
    "healthy good Healthy",
  ],
  [
    "the same, half a minute later",
    ACTIVE,
    {
      ...fine,
      ...refused,
      failingSinceTime: at(-31),
      failuresSince: 1n,
      recentAttempts: 20n,
      recentFailures: 1n,
    },
    "failing bad Failing: 100 % refused (400) since 14:04",
  ],
  [
    "half fail, the newest too",
    ACTIVE,
    {
      ...fine,
      ...refused,
      failingSinceTime: at(-1),
      failuresSince: 1n,
      recentAttempts: 20n,
      recentFailures: 10n,
    },
    "failing warn Partly failing: 10 of the last 20 attempts, last refused (400)",
  ],
  [
    "half fail, the newest arrived",
    ACTIVE,
    { ...fine, lastFailure: failure(Kind.SERVER_ERROR, 503), recentFailures: 10n },
    "failing warn Partly failing: 10 of the last 20 attempts, last server errors (503)",
  ],
  [
    "one of twenty failed",
    ACTIVE,
    { ...fine, lastFailure: failure(Kind.REFUSED, 400), recentFailures: 1n },
    "healthy good Healthy",
  ],
  [
    "open, all refused",
    ACTIVE,
    { ...refused, breaker: OPEN, resumeTime: at(40) },
    "failing bad Failing: 100 % refused (400) since 14:02, next probe in 40 s",
  ],
  [
    "open, server errors",
    ACTIVE,
    { ...refused, lastFailure: failure(Kind.SERVER_ERROR, 503), breaker: OPEN, resumeTime: at(40) },
    "failing bad Failing: 100 % server errors (503) since 14:02, next probe in 40 s",
  ],
  [
    "open, a probe under way",
    ACTIVE,
    { ...lost(Kind.CONNECTION_REFUSED), breaker: OPEN, resumeTime: at(-1) },
    "failing bad Unreachable: connection refused, probing now",
  ],
  [
    "open, nothing known",
    ACTIVE,
    { breaker: OPEN, resumeTime: at(5), lastError: "why" },
    "failing bad Unreachable: no valid answer, next probe in 5 s",
  ],
  [
    "open, refused connections",
    ACTIVE,
    { ...lost(Kind.CONNECTION_REFUSED), breaker: OPEN, resumeTime: at(40) },
    "failing bad Unreachable: connection refused, next probe in 40 s",
  ],
  [
    "closed, refused connections",
    ACTIVE,
    lost(Kind.CONNECTION_REFUSED),
    "failing bad Unreachable: connection refused since 14:02",
  ],
  [
    "a connection that breaks",
    ACTIVE,
    lost(Kind.CONNECTION),
    "failing bad Unreachable: connection lost since 14:02",
  ],
  ["DNS", ACTIVE, lost(Kind.DNS), "failing bad Unreachable: host name not found since 14:02"],
  ["TLS", ACTIVE, lost(Kind.TLS), "failing bad Unreachable: TLS failed since 14:02"],
  [
    "the egress guard",
    ACTIVE,
    lost(Kind.NOT_PERMITTED),
    "failing bad Unreachable: address not permitted since 14:02",
  ],
  [
    "timeouts",
    ACTIVE,
    lost(Kind.TIMEOUT),
    "failing bad Unreachable: no answer in time since 14:02",
  ],
  ["slow down", ACTIVE, slow(80), "held warn Held until 14:06:20: asked to slow down"],
  ["slow down, time over", ACTIVE, slow(-1), "held warn Held: asked to slow down, trying now"],
  [
    "slow down while failing",
    ACTIVE,
    { ...refused, ...slow(80) },
    "held warn Held until 14:06:20: asked to slow down",
  ],
  [
    "the filter",
    ACTIVE,
    { ...fine, hold: { kind: SubscriptionHoldKind.FILTER, reason: "too slow" } },
    "held bad Held: its filter exceeds its limits",
  ],
  [
    "another hold without an end",
    ACTIVE,
    { ...fine, hold: { reason: "?" } },
    "held bad Held until it is changed or resumed",
  ],
  ["paused", PAUSED, fine, "paused idle Paused"],
  ["paused while failing", PAUSED, { ...refused, breaker: OPEN }, "paused idle Paused"],
  [
    "gone",
    DISABLED,
    { ...refused, lastFailure: failure(Kind.GONE, 410) },
    "disabled bad Disabled by its endpoint (410)",
  ],
  ["gone before an upgrade", DISABLED, {}, "disabled bad Disabled by its endpoint (410)"],
  [
    "resumed after gone, nothing tried",
    ACTIVE,
    { ...refused, lastFailure: failure(Kind.GONE, 410) },
    "failing bad Failing: 100 % gone (410) since 14:02",
  ],
  ["a state that this page does not know", 9 as SubscriptionState, fine, "healthy idle Unknown"],
];

const subscription = (state: SubscriptionState, health: Health, name = "a") =>
  create(SubscriptionSchema, {
    name,
    state,
    health: create(SubscriptionHealthSchema, { breaker: CLOSED, ...health } as Health),
  });

describe("conditionOf", () => {
  it.each(rows)("says how it is: %s", (_, state, health, words) => {
    const { group, tone, text } = conditionOf(subscription(state, health), now);
    expect(`${group} ${tone} ${text}`).toBe(words);
  });

  it("is green only where something arrives", () => {
    const green = rows.filter(([, state, health]) => {
      return conditionOf(subscription(state, health), now).tone === "good";
    });
    expect(green.length).toBeGreaterThan(0);
    for (const [name, , health] of green) {
      expect(health.lastSuccessTime, name).toBeDefined();
      expect(health.breaker ?? CLOSED, name).toBe(CLOSED);
    }
  });

  it("keeps the cause in its detail", () => {
    expect(conditionOf(subscription(ACTIVE, refused), now).detail).toBe("The cause.");
    expect(conditionOf(subscription(PAUSED, refused), now).detail).toContain(
      "Before: Failing: 100 % refused (400) since 14:02.",
    );
  });

  it("says no more than it knows without health", () => {
    const bare = create(SubscriptionSchema, { state: ACTIVE });
    expect(conditionOf(bare, now).text).toBe("Unknown");
  });
});

it("byUrgency lists what needs somebody first, then by name", () => {
  const listed = byUrgency(
    [
      subscription(ACTIVE, fine, "b"),
      subscription(ACTIVE, fine, "a"),
      subscription(DISABLED, {}, "c"),
      subscription(PAUSED, fine, "d"),
      subscription(ACTIVE, slow(80), "e"),
      subscription(ACTIVE, refused, "f"),
    ],
    now,
  );
  expect(listed.map(({ subscription: { name } }) => name).join("")).toBe("fedcab");
});
