import { faultOf, type PostriderError } from "../error.js";
import { type Gap, GapError } from "../gap.js";
import { checkHeartbeat } from "./live-stream.js";
import type { StreamMessage } from "./message.js";
import type { MessageStream, Sharing, StreamOrigin } from "./message-stream.js";
import type { LiveStatus } from "./status.js";

/**
 * What happens if events arrive faster than they are read. "catch-up": every event is delivered, however late.
 * "latest-by-key": of the pending events only the newest for each key, the ordering key of the event or else its
 * subject. "drop": the newest 256 pending events; `onDropped` is called with the number of the others. "disconnect":
 * the stream is closed and begins again.
 */
export type SlowPolicy = "catch-up" | "latest-by-key" | "drop" | "disconnect";

/** One of several filters of a subscription. */
export interface NamedFilter {
  /** An event has the names of the filters that select it. */
  readonly name: string;
  /** Event types, exact or by prefix ("order.*"), at least one; default: those of the subscription. */
  readonly types?: readonly string[] | undefined;
  /** A CEL expression over `event`; default: all events. */
  readonly expression?: string | undefined;
}

/** The options and callbacks of a subscription. */
export interface StreamOptions {
  /** Where to begin: "now" (default), "earliest", an RFC 3339 time, or the cursor after which to resume. */
  start?: string | undefined;
  /** A CEL expression over `event`, for example `event.data.total.minor_units > 1000`. */
  expression?: string | undefined;
  /**
   * Several filters on one connection, instead of `expression`. An event is sent once, with the names of the filters
   * that select it.
   */
  filters?: readonly NamedFilter[] | undefined;
  /** The default is "catch-up". */
  slowPolicy?: SlowPolicy | undefined;
  /**
   * The interval of heartbeats while no events arrive, 100 to 300,000 ms; default: 10 s. Two missing heartbeats count
   * as a lost connection.
   */
  heartbeatMs?: number | undefined;
  /** Shares one connection with other tabs: `betweenTabs("the user's id")`. By default each tab has a connection. */
  share?: Sharing | undefined;
  /** Ends the stream, without an error. */
  signal?: AbortSignal | undefined;
  /** Called with the cursor each time the stream begins: every later event is delivered. */
  onBegin?: ((cursor: string) => void) | undefined;
  /** Called with each change of the status. */
  onStatus?: ((status: LiveStatus) => void) | undefined;
  /** Called when the connection is lost, before the wait for the next attempt. */
  onRetry?: ((error: PostriderError, waitMs: number) => void) | undefined;
  /** Called if events are missing, after which the stream continues. Without it, a gap is a GapError. */
  onGap?: ((gap: Gap) => void) | undefined;
  /** Called with the number of dropped events, according to `slowPolicy`. */
  onDropped?: ((events: number, cursor: string) => void) | undefined;
}

/** The callback form of a subscription, instead of a loop. */
export interface EventCallbacks<Event> {
  /**
   * Called with each event. The next event is passed when the returned promise has resolved. An error ends the
   * subscription.
   */
  onEvent?: ((event: Event) => unknown) | undefined;
  /** Called once at the end, with the error if there is one. */
  onEnd?: ((error?: unknown) => void) | undefined;
}

/** The stream of a subscription: one of this tab, or one that is shared between tabs. */
export function openStream(origin: StreamOrigin, share: Sharing | undefined): MessageStream {
  checkHeartbeat(origin.heartbeatMs);
  return share ? share(origin) : origin.open(undefined);
}

export const defaultHeartbeatMs = 10_000;

/**
 * Throws if a list that selects events is empty or contains an empty entry, because that would select all events. A
 * filter without types has those of the subscription.
 */
export function checkSelection(types?: readonly string[], filters?: readonly NamedFilter[]): void {
  for (const list of [types, filters, ...(filters ?? []).map((filter) => filter.types)]) {
    if (list && !(list.length && list.every(Boolean))) {
      throw new TypeError("name at least one type or filter, none empty");
    }
  }
}

/**
 * Events as they arrive, to be read in a loop or with `onEvent`. It connects with the first read, resumes after every
 * lost connection, and ends when the loop is left, `close` is called or the signal aborts.
 *
 * The interface has one parameter: it has no others before TypeScript 5.6.
 */
export class Subscription<Event> implements AsyncIterableIterator<Event> {
  readonly #live: MessageStream;
  readonly #events: AsyncGenerator<Event, void, undefined>;
  #cursor: string | undefined;

  /** Converts messages to events; `read` returns nothing for an event that is skipped. */
  constructor(
    live: MessageStream,
    read: (event: unknown, filters: readonly string[]) => Event | undefined,
    options: StreamOptions & EventCallbacks<Event>,
  ) {
    this.#live = live;
    this.#events = this.#read(read, options);
    if (options.onStatus) live.onStatus(options.onStatus);
    if (options.onEvent) void this.#drive(options.onEvent, options.onEnd);
  }

  /** The status of the stream. */
  get status(): LiveStatus {
    return this.#live.status;
  }

  /** The current cursor: a `start` that resumes after the last event that was read. Absent before the stream began. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** Calls the listener with each change of the status. The returned function ends that. */
  onStatus(listener: (status: LiveStatus) => void): () => void {
    return this.#live.onStatus(listener);
  }

  /** Retries now instead of waiting for the next attempt. */
  retryNow(): void {
    this.#live.retryNow();
  }

  /** Ends the subscription: a loop over it ends without an error. */
  close(): void {
    this.#live.close();
  }

  next(): Promise<IteratorResult<Event, void>> {
    return this.#events.next();
  }

  return(): Promise<IteratorResult<Event, void>> {
    this.close();
    return this.#events.return();
  }

  throw(error: unknown): Promise<IteratorResult<Event, void>> {
    this.close();
    return this.#events.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Calls `take` with each event until there are no more. An error of `take` ends the subscription with that error. */
  async each(take: (event: Event) => unknown): Promise<void> {
    try {
      for (let next = await this.next(); !next.done; next = await this.next()) {
        await take(next.value);
      }
    } catch (cause) {
      this.#live.close(faultOf(cause));
      await this.return();
      throw cause;
    }
  }

  async *#read(
    read: (event: unknown, filters: readonly string[]) => Event | undefined,
    options: StreamOptions,
  ): AsyncGenerator<Event, void, undefined> {
    try {
      for await (const message of this.#live.messages()) {
        this.#cursor = message.cursor;
        if (message.kind === "event") {
          const event = read(message.event, message.filters);
          if (event !== undefined) yield event;
        } else {
          tell(message, options);
        }
      }
    } catch (cause) {
      this.#live.close(faultOf(cause));
      throw cause;
    }
  }

  async #drive(
    onEvent: (event: Event) => unknown,
    onEnd: ((error?: unknown) => void) | undefined,
  ): Promise<void> {
    try {
      await this.each(onEvent);
    } catch (cause) {
      onEnd?.(cause);
      return;
    }
    onEnd?.();
  }
}

function tell(
  message: Exclude<StreamMessage<unknown>, { kind: "event" }>,
  { onBegin, onGap, onDropped }: StreamOptions,
): void {
  if (message.kind === "dropped") onDropped?.(message.events, message.cursor);
  if (message.kind === "begin" || message.kind === "gap") {
    const { gap } = message;
    if (gap && !onGap) throw new GapError(gap);
    if (gap) onGap?.(gap);
  }
  if (message.kind === "begin") onBegin?.(message.cursor);
}
