import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Transport } from "@connectrpc/connect";
import { type DataOf, type EventSource, schemasByType } from "./event-type.js";
import type { Gap } from "./gap.js";
import {
  type Event,
  EventService,
  type GapReason,
  type PayloadFormat,
  type SlowPolicy,
  type SubscribeRequest,
  SubscribeRequestSchema,
  type SubscribeResponse,
  type Gap as WireGap,
} from "./gen/postrider/v1/event_pb.js";
import { type LiveSource, LiveStream, type Sign } from "./live/live-stream.js";
import { fromBeginning, type StreamMessage } from "./live/message.js";
import type { MessageStream } from "./live/message-stream.js";
import {
  checkSelection,
  defaultHeartbeatMs,
  type EventCallbacks,
  openStream,
  type StreamOptions,
  Subscription,
} from "./live/subscription.js";
import {
  attributesOf,
  type EventAttributes,
  type InvalidEvent,
  InvalidEventError,
  isInvalid,
  readPayload,
} from "./payload.js";
import { errorOf } from "./rpc-error.js";

/** An event with the data of its type. `$typeName`, the full name of the message, discriminates the types. */
export type TypedEvent<Source extends EventSource> = Source extends EventSource
  ? EventAttributes & {
      readonly $typeName: DataOf<Source>["$typeName"];
      readonly data: DataOf<Source>;
      /** Names of the subscription's `filters` that select the event. */
      readonly filters: readonly string[];
    }
  : never;

export interface SubscribeOptions extends StreamOptions {
  /**
   * Called with an event that does not fit its schema, after which the stream continues. Without it, such an event is
   * an InvalidEventError.
   */
  onInvalid?: ((event: InvalidEvent) => void) | undefined;
}

export interface RawOptions extends StreamOptions {
  /**
   * Includes fields without presence that are not set in the JSON text, as 0, "", false, [] or {}. A typed subscription
   * knows these defaults from the schema.
   */
  defaults?: boolean | undefined;
}

/** Reads events until it is closed. It resumes by cursor: no event is missing and none is repeated. */
export function subscribe<Source extends EventSource>(
  transport: Transport,
  tenant: string,
  sources: readonly Source[],
  options: SubscribeOptions & EventCallbacks<TypedEvent<Source>>,
  refuse?: () => void,
): Subscription<TypedEvent<Source>> {
  const schemas = schemasByType(sources);
  checkSelection([...schemas.keys()]);
  const wanted = newRequest(tenant, [...schemas.keys()], options);
  const read = (event: unknown, filters: readonly string[]) =>
    readEvent(event as Event, filters, schemas, options) as TypedEvent<Source> | undefined;
  return new Subscription(openRequest(transport, wanted, options, refuse), read, options);
}

/** Reads events of any types as the server sends them, with their data as JSON text. */
export function subscribeRaw(
  transport: Transport,
  tenant: string,
  types: readonly string[],
  options: RawOptions & EventCallbacks<Event>,
  refuse?: () => void,
): Subscription<Event> {
  if (types.length > 0) checkSelection(types);
  const wanted = newRequest(tenant, [...types], options);
  wanted.payloadFormat = options.defaults ? withDefaults : asJson;
  const stream = openRequest(transport, wanted, options, refuse);
  return new Subscription(stream, (event) => event as Event, options);
}

function openRequest(
  transport: Transport,
  wanted: SubscribeRequest,
  { heartbeatMs = defaultHeartbeatMs, signal, onRetry, share }: StreamOptions,
  refuse?: () => void,
): MessageStream {
  const open = (after: string | undefined) => {
    const source = new RpcSource(transport, { ...wanted, start: after ?? wanted.start }, refuse);
    return new LiveStream(source, { heartbeatMs, signal, onRetry });
  };
  // Tabs share a stream where this is the same: all but where they begin. JSON has no form for the interval.
  const asked = JSON.stringify({ ...wanted, start: "", heartbeatInterval: heartbeatMs });
  return openStream({ request: asked, heartbeatMs, signal, open }, share);
}

async function* single<T>(one: T): AsyncGenerator<T> {
  yield one;
}

/** Subscribe over Connect as the source of a live stream. */
class RpcSource implements LiveSource<StreamMessage<Event>> {
  readonly #transport: Transport;
  readonly #request: SubscribeRequest;
  readonly refuse?: () => void;
  readonly errorOf = errorOf;

  constructor(transport: Transport, request: SubscribeRequest, refuse?: () => void) {
    this.#transport = transport;
    this.#request = request;
    if (refuse) this.refuse = refuse;
  }

  open(signal: AbortSignal): AsyncGenerator<StreamMessage<Event>> {
    return fromBeginning(this.#open(signal));
  }

  async *#open(signal: AbortSignal): AsyncGenerator<StreamMessage<Event>> {
    // A server that names no stream does not tell either whether it is live.
    let tells = false;
    const { message } = await this.#transport.stream(
      EventService.method.subscribe,
      signal,
      0,
      undefined,
      single({ ...this.#request }),
    );
    for await (const response of message) {
      if (response.message.case === "begin") tells = response.message.value.stream !== "";
      yield readMessage(response, tells);
    }
  }

  note(message: StreamMessage<Event>): Sign {
    if (message.cursor) this.#request.start = message.cursor;
    return message.kind === "begin" || message.kind === "heartbeat" ? message : {};
  }
}

// The compiler holds these numbers against the contract; the enums themselves would weigh more than they are used for.
const asJson: PayloadFormat.JSON = 1;
const withDefaults: PayloadFormat.JSON_DEFAULTS = 2;
const gapReasons: Record<GapReason, keyof typeof GapReason> = [
  "UNSPECIFIED",
  "LOG_REPLACED",
  "RETENTION",
];
const slowPolicies: {
  "catch-up": SlowPolicy.CATCH_UP;
  "latest-by-key": SlowPolicy.LATEST_BY_KEY;
  drop: SlowPolicy.DROP;
  disconnect: SlowPolicy.DISCONNECT;
} = { "catch-up": 1, "latest-by-key": 2, drop: 3, disconnect: 4 };

function newRequest(
  tenant: string,
  types: string[],
  {
    start = "now",
    expression = "",
    filters,
    slowPolicy,
    heartbeatMs = defaultHeartbeatMs,
  }: StreamOptions,
): SubscribeRequest {
  checkSelection(undefined, filters);
  const request = create(SubscribeRequestSchema, {
    tenant,
    start,
    ...(filters
      ? {
          filters: filters.map(({ name, types: own = types, expression = "" }) => {
            return { name, types: [...own], expression };
          }),
        }
      : { types, expression }),
    slowPolicy: slowPolicy ? slowPolicies[slowPolicy] : 0,
    heartbeatInterval: durationFromMs(heartbeatMs),
  });
  toBinary(SubscribeRequestSchema, request); // What cannot be encoded would be tried for ever.
  return request;
}

/** The message in the form of every transport. A message that this version does not know counts as a heartbeat. */
function readMessage(
  { cursor, message, filters }: SubscribeResponse,
  tells: boolean,
): StreamMessage<Event> {
  switch (message.case) {
    case "begin": {
      const { gap, live, expireTime } = message.value;
      return {
        kind: "begin",
        cursor,
        gap: gap && readGap(gap, cursor),
        live: tells ? live : undefined,
        expires: expireTime && timestampMs(expireTime),
      };
    }
    case "event":
      return { kind: "event", cursor, event: message.value, filters };
    case "gap":
      return { kind: "gap", cursor, gap: readGap(message.value, cursor) };
    case "dropped":
      return { kind: "dropped", cursor, events: Number(message.value.events) };
    default:
      return { kind: "heartbeat", cursor, live: tells ? message.value?.live : undefined };
  }
}

function readGap(gap: WireGap, cursor: string): Gap {
  const reason = gapReasons[gap.reason] ?? "UNSPECIFIED";
  return { reason, message: gap.message, cursor };
}

function readEvent(
  event: Event,
  filters: readonly string[],
  schemas: Map<string, DescMessage>,
  { onInvalid }: SubscribeOptions,
): object | undefined {
  const schema = schemas.get(event.type);
  if (!schema) return undefined;
  const data = readPayload(schema, event);
  if (!isInvalid(data)) {
    return { ...attributesOf(event), $typeName: data.$typeName, data, filters };
  }
  if (!onInvalid) throw new InvalidEventError(data);
  onInvalid(data);
  return undefined;
}
