import type { StreamOptions } from "../live/subscription.js";

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: unknown;
}

/** The data of each event type, by its name. */
export type EventMap<Events = Record<string, JsonObject>> = { [Type in keyof Events]: object };

/** The types of a map that a pattern names: a type itself, "order.*" or "*". */
export type Matching<Events, Pattern> = Pattern extends "*"
  ? keyof Events & string
  : Pattern extends `${infer Prefix}.*`
    ? Extract<keyof Events & string, `${Prefix}.${string}`>
    : Pattern & keyof Events & string;

/** What may be subscribed to: a type of the map, or a pattern over several. */
export type Pattern<Events> = (keyof Events & string) | `${string}.*` | "*";

/** What every event has, beside its type and data. */
export interface EventFacts {
  /** Unique in the tenant. */
  readonly id: string;
  readonly source: string;
  readonly subject: string;
  /** When it happened, by the producer's clock, to the millisecond. */
  readonly time: Date;
  /** The event's place in the log: a `start` that resumes after it. */
  readonly cursor: string;
  /** Names of the subscription's `filters` that select the event. */
  readonly filters: readonly string[];
  /** The data breaks its schema, which was not enforced when the event was accepted. */
  readonly isInvalid: boolean;
}

/** An event with the data of its type; `type` tells one from another. */
export type LightEvent<Events, Type extends keyof Events = keyof Events> = Type extends string
  ? EventFacts & { readonly type: Type; readonly data: Events[Type] }
  : never;

/** What a producer may say about an event, beside its data. */
export interface PublishOptions {
  /** Unique in the tenant; a time-sortable one is made when absent. Publishing the same id again is harmless. */
  id?: string | undefined;
  /** What it is about, for example an order id. The field that the message's option names, when absent. */
  subject?: string | undefined;
  /** Where it happened, a URI reference. "postrider" when absent. */
  source?: string | undefined;
  /** When it happened. The time of receipt when absent. */
  time?: Date | undefined;
  /** Gives up: the call rejects with the signal's reason. Whether the event was stored is unknown then. */
  signal?: AbortSignal | undefined;
}

export interface LightOptions extends StreamOptions {
  /**
   * Has data say 0, "", false, [] or {} where a field without presence is not set, which is left out otherwise. For types with a
   * schema.
   */
  defaults?: boolean | undefined;
}

/** What a stream asks for, as the parameters of its address. */
export function streamQuery(
  tenant: string,
  types: readonly string[],
  heartbeatMs: number,
  { start = "now", expression, filters, slowPolicy, defaults }: LightOptions,
): URLSearchParams {
  const query = new URLSearchParams({ start, heartbeat: `${heartbeatMs}ms` });
  if (tenant) query.set("tenant", tenant);
  if (slowPolicy) query.set("slow_policy", slowPolicy.replaceAll("-", "_"));
  if (defaults) query.set("payload_format", "json_defaults");
  if (!filters) {
    // Naming nothing asks for all that may be seen, which is less than all where a ticket shows only some events.
    if (types.join() !== "*") query.set("types", types.join());
    if (expression) query.set("expression", expression);
  }
  for (const filter of filters ?? []) {
    query.append("filter", JSON.stringify({ ...filter, types: filter.types ?? types }));
  }
  return query;
}
