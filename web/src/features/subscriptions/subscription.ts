import type { Subscription } from "#gen/postrider/v1/subscription_pb";

/** The type patterns; "*" when all events are meant. */
export function typesOf({ filter }: Subscription): string[] {
  return filter && filter.types.length > 0 ? filter.types : ["*"];
}
