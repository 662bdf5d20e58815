import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { Access, type Credentials } from "./access.js";
import { type Draft, draft, type EventOptions, type UntypedEventOptions } from "./draft.js";
import type { EventSource } from "./event-type.js";
import { type Event, EventService, type PublishResponse } from "./gen/postrider/v1/event_pb.js";
import type { EventCallbacks, Subscription } from "./live/subscription.js";
import { attemptTimeoutMs, type Caller, callRepeatedly } from "./publish.js";
import { acknowledges, checkUrl, fetchOnce, foreign } from "./request.js";
import { errorOf } from "./rpc-error.js";
import {
  type RawOptions,
  type SubscribeOptions,
  subscribe,
  subscribeRaw,
  type TypedEvent,
} from "./subscribe.js";

/** The server: its URL, or a Connect transport, which then sends the credentials itself. */
export type ClientOptions = (({ url: string } & Credentials) | { transport: Transport }) & {
  /** The tenant's name; default: the key's own tenant. */
  tenant?: string | undefined;
};

/** The acknowledgement of an event: it is on disk. */
export interface Ack {
  readonly id: string;
  readonly cursor: string;
  /** The event was already stored; id and cursor are those of the first time. */
  readonly duplicate: boolean;
}

export interface CallOptions {
  /** Aborts the call, which rejects with the reason of the signal. It is then unknown whether the event was stored. */
  signal?: AbortSignal | undefined;
}

/**
 * Creates a client. It connects with the first call. Throws a TypeError for a URL or a key that no request can have.
 */
export function createClient(options: ClientOptions): Client {
  if (!("transport" in options)) checkUrl(options.url);
  const access = new Access("transport" in options ? {} : options);
  const transport = "transport" in options ? options.transport : newTransport(options.url, access);
  return new Client(transport, options.tenant ?? "", access.refuse);
}

/**
 * Publishes events and reads them. Safe to share.
 *
 * It calls the transport directly instead of through Connect's createClient, which is too large for a page that calls
 * three methods.
 */
export class Client {
  readonly #transport: Transport;
  readonly #tenant: string;

  readonly #caller: Caller;

  constructor(transport: Transport, tenant: string, refuse?: () => void) {
    this.#transport = transport;
    this.#tenant = tenant;
    this.#caller = { errorOf, refuse };
  }

  /** Stores one event of a type without a schema, or without generated code, from a JSON object. */
  publish(type: string, data: object, options?: UntypedEventOptions & CallOptions): Promise<Ack>;
  // The typed form comes last: the compiler explains why the last one does not fit.
  /**
   * Stores one event. It resolves when the event is on disk. While the server cannot be reached, or a proxy responds in
   * its place, the call is repeated with the same id, so the event is stored once. It is repeated until the signal
   * aborts, or without a signal for half a minute.
   */
  publish<Schema extends DescMessage>(
    schema: Schema,
    data: MessageInitShape<Schema>,
    options?: EventOptions & CallOptions,
  ): Promise<Ack>;
  async publish(
    source: DescMessage | string,
    data: object,
    options: EventOptions & CallOptions = {},
  ): Promise<Ack> {
    const { event } = draft(source as DescMessage, data as MessageInitShape<DescMessage>, options);
    const { signal } = options;
    const input = { tenant: this.#tenant, event };
    const isAck = (ack: PublishResponse) => acknowledges(ack, event.id);
    return ackOf(await this.#call(EventService.method.publish, input, isAck, signal));
  }

  /** Stores up to 1,000 events in order, all or none. It is repeated in the same way as `publish`. */
  async publishBatch(drafts: readonly Draft[], { signal }: CallOptions = {}): Promise<Ack[]> {
    const events = drafts.map(({ event }) => event);
    const input = { tenant: this.#tenant, events };
    const { results } = await this.#call(
      EventService.method.publishBatch,
      input,
      (answer) => events.every(({ id }, at) => acknowledges(answer.results[at], id)),
      signal,
    );
    return results.map(ackOf);
  }

  async #call<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    input: MessageInitShape<Input>,
    isAnswer: (message: MessageShape<Output>) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<MessageShape<Output>> {
    toBinary(method.input, create(method.input, input)); // What cannot be encoded is not repeated.
    const call = async (attempt: AbortSignal) => {
      const { message } = await this.#transport.unary(
        method,
        attempt,
        attemptTimeoutMs,
        undefined,
        input,
      );
      if (!isAnswer(message)) throw foreign();
      return message;
    };
    return callRepeatedly(call, this.#caller, signal);
  }

  /**
   * Reads events of the given types in order, in a loop or with `onEvent`, until the loop is left, the signal aborts or
   * `close` is called. After a lost connection it resumes at the same position. Errors that a retry cannot fix are
   * thrown as a PostriderError.
   */
  subscribe<const Source extends EventSource>(
    sources: readonly Source[],
    options: SubscribeOptions & EventCallbacks<TypedEvent<Source>> = {},
  ): Subscription<TypedEvent<Source>> {
    return subscribe(this.#transport, this.#tenant, sources, options, this.#caller.refuse);
  }

  /**
   * Reads events of any types like `subscribe`, for tools without schemas. The events are the server's own messages,
   * with their data as JSON text. Types are exact or by prefix ("order.*"); an empty list means all.
   */
  subscribeRaw(
    types: readonly string[],
    options: RawOptions & EventCallbacks<Event> = {},
  ): Subscription<Event> {
    return subscribeRaw(this.#transport, this.#tenant, types, options, this.#caller.refuse);
  }
}

function newTransport(url: string, access: Access): Transport {
  return createConnectTransport({
    baseUrl: url,
    fetch: fetchOnce,
    useBinaryFormat: true,
    interceptors: [authorize(access)],
  });
}

function authorize(access: Access): Interceptor {
  return (next) => async (request) => {
    const secret = await access.ask();
    if (secret) request.header.set("Authorization", `Bearer ${secret}`);
    return next(request);
  };
}

function ackOf({ id, cursor, duplicate }: PublishResponse): Ack {
  return { id, cursor, duplicate };
}
