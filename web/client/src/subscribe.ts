import { create, type DescMessage } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import { Connection } from "./connection.js";
import type { PostriderError } from "./error.js";
import { type DataOf, type EventSource, schemasByType } from "./event-type.js";
import { type Gap, GapError, readGap } from "./gap.js";
import {
  type EventService,
  type SubscribeRequest,
  SubscribeRequestSchema,
  type SubscribeResponse,
} from "./gen/postrider/v1/event_pb.js";
import {
  attributesOf,
  type EventAttributes,
  type InvalidEvent,
  InvalidEventError,
  isInvalid,
  readPayload,
} from "./payload.js";
import { type Backoff, isFinal, pause, waitMs } from "./retry.js";

const backoff: Backoff = { firstMs: 500, longestMs: 15_000 };
const heartbeatSeconds = 10;
/** Two heartbeats and a bit. */
const silenceMs = 25_000;

/** An event with the data of its type. `$typeName`, the message's full name, tells one type from another. */
export type TypedEvent<Source extends EventSource> = Source extends EventSource
  ? EventAttributes & {
      readonly $typeName: DataOf<Source>["$typeName"];
      readonly data: DataOf<Source>;
    }
  : never;

export interface SubscribeOptions {
  /** Where to begin: "now" (default), "earliest", an RFC 3339 time, or the cursor after which to go on. */
  start?: string | undefined;
  /** A CEL expression over `event`, for example `event.data.total.minor_units > 1000`. */
  expression?: string | undefined;
  /** Ends the stream, without an error. */
  signal?: AbortSignal | undefined;
  /** Called each time the stream begins, with its cursor: every later event comes. */
  onBegin?: ((cursor: string) => void) | undefined;
  /** Called when the connection was lost, before the wait for the next try. */
  onRetry?: ((error: PostriderError, waitMs: number) => void) | undefined;
  /** Called when events are missing, after which the stream goes on. Without it, a gap is a GapError. */
  onGap?: ((gap: Gap) => void) | undefined;
  /**
   * Called with an event that its schema cannot hold, after which the stream goes on. Without it, such an event is an
   * InvalidEventError.
   */
  onInvalid?: ((event: InvalidEvent) => void) | undefined;
}

/** Reads events until the signal aborts. It resumes by cursor: no event is left out and none comes twice. */
export async function* subscribe<Source extends EventSource>(
  rpc: Client<typeof EventService>,
  tenant: string,
  sources: readonly Source[],
  options: SubscribeOptions,
): AsyncGenerator<TypedEvent<Source>, void, undefined> {
  const schemas = schemasByType(sources);
  if (schemas.size === 0) throw new TypeError("name at least one event type to subscribe to");
  const request = newRequest(tenant, [...schemas.keys()], options);
  for await (const message of messages(rpc, request, options)) {
    const event = read(message, schemas, options);
    if (event) yield event as TypedEvent<Source>;
  }
}

/** The messages of one connection after another, each going on where the one before has ended. */
async function* messages(
  rpc: Client<typeof EventService>,
  request: SubscribeRequest,
  { signal, onRetry }: SubscribeOptions,
): AsyncGenerator<SubscribeResponse, void, undefined> {
  for (let failures = 0; !signal?.aborted; ) {
    const connection = new Connection(rpc, request, silenceMs, signal);
    try {
      for (;;) {
        const message = await connection.next();
        if (!message || signal?.aborted) break;
        failures = 0;
        request.start = message.cursor;
        yield message;
      }
    } finally {
      connection.close();
    }
    if (signal?.aborted) return;
    if (isFinal(connection.failure)) throw connection.failure;
    const wait = waitMs(++failures, backoff, connection.failure);
    onRetry?.(connection.failure, wait);
    await pause(wait, signal);
  }
}

function newRequest(tenant: string, types: string[], options: SubscribeOptions): SubscribeRequest {
  return create(SubscribeRequestSchema, {
    tenant,
    types,
    start: options.start ?? "now",
    expression: options.expression ?? "",
    heartbeatInterval: { seconds: BigInt(heartbeatSeconds) },
  });
}

function read(
  { cursor, message }: SubscribeResponse,
  schemas: Map<string, DescMessage>,
  options: SubscribeOptions,
): object | undefined {
  switch (message.case) {
    case "begin":
      if (message.value.gap) tellGap(readGap(message.value.gap, cursor), options);
      options.onBegin?.(cursor);
      return undefined;
    case "gap":
      tellGap(readGap(message.value, cursor), options);
      return undefined;
    case "event": {
      const schema = schemas.get(message.value.type);
      if (!schema) return undefined;
      const data = readPayload(schema, message.value);
      if (!isInvalid(data))
        return { ...attributesOf(message.value), $typeName: data.$typeName, data };
      if (!options.onInvalid) throw new InvalidEventError(data);
      options.onInvalid(data);
      return undefined;
    }
    default:
      return undefined;
  }
}

function tellGap(gap: Gap, { onGap }: SubscribeOptions): void {
  if (!onGap) throw new GapError(gap);
  onGap(gap);
}
