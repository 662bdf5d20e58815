import type { Subscription } from "#gen/postrider/v1/subscription_pb";
import { byUrgency, type Group, groups, type Listed } from "./condition";
import { typesOf } from "./subscription";
import { placeOf } from "./targets/registry";

/** What the list is narrowed to; kept in the URL. */
export interface SubscriptionSearch {
  /** Words that the name, the tenant, a type pattern or the target contains. */
  q?: string;
  state?: string;
  /** "all": of every tenant. */
  tenants?: string;
}

/** The group when it is one to filter by. */
export function readGroup(name: string | undefined): Group | undefined {
  return groups.find((group) => group === name);
}

export interface SubscriptionList {
  /** In the group, most urgent first. */
  shown: Listed[];
  /** The number in each group that the words select. */
  counts: Record<Group, number>;
  /** The number that the words select. */
  found: number;
}

export function listSubscriptions(
  all: readonly Subscription[],
  { q = "", state }: SubscriptionSearch,
  now: number,
): SubscriptionList {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const listed = byUrgency(
    words.length === 0 ? all : all.filter((subscription) => has(subscription, words)),
    now,
  );
  const counts: Record<Group, number> = { failing: 0, held: 0, paused: 0, disabled: 0, healthy: 0 };
  for (const { group } of listed) counts[group]++;
  const wanted = readGroup(state);
  return {
    shown: wanted ? listed.filter(({ group }) => group === wanted) : listed,
    counts,
    found: listed.length,
  };
}

function has(subscription: Subscription, words: string[]): boolean {
  const text = [
    subscription.name,
    subscription.tenant,
    ...typesOf(subscription),
    placeOf(subscription),
  ].join("\n");
  const lower = text.toLowerCase();
  return words.every((word) => lower.includes(word));
}
