import { Access, type Credentials } from "../access.js";
import { newEventId } from "../event-id.js";
import { LiveStream } from "../live/live-stream.js";
import {
  checkSelection,
  defaultHeartbeatMs,
  type EventCallbacks,
  openStream,
  Subscription,
} from "../live/subscription.js";
import { callRepeatedly } from "../publish.js";
import { acknowledges, checkUrl, fetchOnce, foreign } from "../request.js";
import {
  type EventMap,
  type JsonObject,
  type LightEvent,
  type LightOptions,
  type Matching,
  type Pattern,
  type PublishOptions,
  streamQuery,
} from "./events.js";
import { call, errorOf, type Http, type Token } from "./http.js";
import { SseSource, type WireEvent } from "./sse-source.js";

/** The server and the credentials. */
export type ClientOptions = Credentials<Token> & {
  /** The server's URL; default: the page's own origin. */
  url?: string | undefined;
  /** The tenant's name; default: the key's own tenant. */
  tenant?: string | undefined;
  /** Sends the requests, instead of the global fetch. */
  fetch?: typeof fetch | undefined;
};

/** The acknowledgement of an event: it is on disk. */
export interface Ack {
  readonly id: string;
  readonly cursor: string;
  /** The event was already stored; id and cursor are those of the first time. */
  readonly duplicate: boolean;
}

/**
 * Creates a client for events of the given types. It connects with the first call. Throws a TypeError for a URL or a
 * key that no request can have.
 */
export function createClient<Events extends EventMap<Events> = Record<string, JsonObject>>(
  options: ClientOptions = {},
): Client<Events> {
  return new Client(options);
}

/** Publishes events and reads them, all as JSON. Safe to share. */
export class Client<Events extends EventMap<Events>> {
  readonly #http: Http;
  readonly #tenant: string;

  constructor({ url = "", tenant = "", fetch, ...credentials }: ClientOptions) {
    checkUrl(url);
    this.#http = { url, access: new Access(credentials), fetch: fetch ?? fetchOnce };
    this.#tenant = tenant;
  }

  /**
   * Stores one event. It resolves when the event is on disk. While the server cannot be reached, or a proxy responds in
   * its place, the call is repeated with the same id, so the event is stored once. It is repeated until the signal
   * aborts, or without a signal for half a minute.
   */
  async publish<Type extends keyof Events & string>(
    type: Type,
    data: Events[Type],
    { id = newEventId(), signal, ...attributes }: PublishOptions = {},
  ): Promise<Ack> {
    const event = { id, type, data, ...attributes };
    const body = JSON.stringify({ tenant: this.#tenant, event });
    const { access } = this.#http;
    const attempt = async (given: AbortSignal) => {
      const token = await access.ask();
      const ack = (await call(this.#http, "EventService/Publish", token, body, given)) as Ack;
      if (!acknowledges(ack, id)) throw foreign();
      return ack;
    };
    const { refuse } = access;
    const ack = await callRepeatedly(attempt, { errorOf, refuse }, signal);
    return { id, cursor: ack.cursor, duplicate: ack.duplicate ?? false };
  }

  /**
   * Reads events of the given types in order, in a loop or with `onEvent`, until the loop is left, the signal aborts or
   * `close` is called. After a lost connection it resumes at the same position. Errors that a retry cannot fix are
   * thrown as a PostriderError.
   */
  subscribe<const Wanted extends Pattern<Events>>(
    types: readonly Wanted[],
    options: LightOptions & EventCallbacks<LightEvent<Events, Matching<Events, Wanted>>> = {},
  ): Subscription<LightEvent<Events, Matching<Events, Wanted>>> {
    checkSelection(types, options.filters);
    const { heartbeatMs = defaultHeartbeatMs, signal, onRetry } = options;
    const query = streamQuery(this.#tenant, types, heartbeatMs, options);
    const open = (after: string | undefined) => {
      const from = new URLSearchParams(query);
      if (after) from.set("start", after);
      return new LiveStream(new SseSource(this.#http, from), { heartbeatMs, signal, onRetry });
    };
    const identity = new URLSearchParams(query);
    identity.delete("start");
    const request = `${this.#http.url} ${identity}`;
    const stream = openStream({ request, heartbeatMs, signal, open }, options.share);
    return new Subscription(stream, readEvent as never, options);
  }
}

function readEvent(
  event: WireEvent,
  filters: readonly string[],
): LightEvent<Record<string, object>> {
  const { id, type, source, subject = "", time, data, cursor, violations } = event;
  const isInvalid = violations !== undefined && violations.length > 0;
  return {
    ...{ id, type, source, subject, time: new Date(time), cursor, filters, isInvalid },
    data: data as object,
  };
}
