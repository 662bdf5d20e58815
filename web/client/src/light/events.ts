import type { StreamOptions } from "../live/subscription.js";

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: unknown;
}

/** The data of each event type, by its name. */
export type EventMap<Events = Record<string, JsonObject>> = { [Type in keyof Events]: object };

/** The types of a map that a pattern matches: a type itself, "order.*" or "*". */
export type Matching<Events, Pattern> = Pattern extends "*"
  ? keyof Events & string
  : Pattern extends `${infer Prefix}.*`
    ? Extract<keyof Events & string, `${Prefix}.${string}`>
    : Pattern & keyof Events & string;

/** A type of the map, or a pattern over several. */
export type Pattern<Events> = (keyof Events & string) | `${string}.*` | "*";

/** The attributes of every event, besides its type and data. */
export interface EventFacts {
  /** Unique in the tenant. */
  readonly id: string;
  readonly source: string;
  readonly subject: string;
  /** When the event happened, by the producer's clock, to the millisecond. */
  readonly time: Date;
  /** The event's position in the log: a `start` that resumes after it. */
  readonly cursor: string;
  /** Names of the subscription's `filters` that select the event. */
  readonly filters: readonly string[];
  /** The data violates its schema, which was not enforced when the event was accepted. */
  readonly isInvalid: boolean;
}

/** An event with the data of its type; `type` discriminates the types. */
export type LightEvent<Events, Type extends keyof Events = keyof Events> = Type extends string
  ? EventFacts & { readonly type: Type; readonly data: Events[Type] }
  : never;

/** The attributes that a producer can set, besides the data. */
export interface PublishOptions {
  /** Unique in the tenant; default: a new time-sortable id. Publishing the same id again is harmless. */
  id?: string | undefined;
  /** What the event is about, for example an order id; default: the field that the message's option names. */
  subject?: string | undefined;
  /** Where the event happened, a URI reference; default: "postrider". */
  source?: string | undefined;
  /** When the event happened; default: the time of receipt. */
  time?: Date | undefined;
  /** Aborts the call, which rejects with the reason of the signal. It is then unknown whether the event was stored. */
  signal?: AbortSignal | undefined;
}

export interface LightOptions extends StreamOptions {
  /** Includes fields without presence that are not set, as 0, "", false, [] or {}, for types with a schema. */
  defaults?: boolean | undefined;
}

/** The parameters of a stream's URL. */
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
