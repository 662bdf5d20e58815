import { faultOf, type PostriderError } from "../error.js";
import { type Gap, GapError } from "../gap.js";
import { checkHeartbeat } from "./live-stream.js";
import type { StreamMessage } from "./message.js";
import type { MessageStream, Sharing, StreamOrigin } from "./message-stream.js";
import type { LiveStatus } from "./status.js";

/**
 * What happens when the events come faster than they are read. "catch-up": every event comes, however late.
 * "latest-by-key": of those that wait only the newest for each key, the event's ordering key or else its subject. "drop":
 * the newest 256 of those that wait; `onDropped` is told of the others. "disconnect": the stream is cut and begins again.
 */
export type SlowPolicy = "catch-up" | "latest-by-key" | "drop" | "disconnect";

/** One of several filters of a subscription. */
export interface NamedFilter {
  /** An event has the names of the filters that select it. */
  readonly name: string;
  /** Event types, exact or by prefix ("order.*"), at least one; those of the subscription when absent. */
  readonly types?: readonly string[] | undefined;
  /** A CEL expression over `event`; all events when absent. */
  readonly expression?: string | undefined;
}

/** What a subscription asks for, and whom it tells. */
export interface StreamOptions {
  /** Where to begin: "now" (default), "earliest", an RFC 3339 time, or the cursor after which to go on. */
  start?: string | undefined;
  /** A CEL expression over `event`, for example `event.data.total.minor_units > 1000`. */
  expression?: string | undefined;
  /** Several filters on one connection, in place of `expression`: an event comes once, with the names of those it fits. */
  filters?: readonly NamedFilter[] | undefined;
  /** "catch-up" when absent. */
  slowPolicy?: SlowPolicy | undefined;
  /** How often a quiet stream shows that it is alive, 100 to 300,000 ms; 10 s when absent. Two that fail to come are a loss. */
  heartbeatMs?: number | undefined;
  /** Shares one connection with other tabs: `betweenTabs("the user's id")`. Each tab has a connection when absent. */
  share?: Sharing | undefined;
  /** Ends the stream, without an error. */
  signal?: AbortSignal | undefined;
  /** Called each time the stream begins, with its cursor: every later event comes. */
  onBegin?: ((cursor: string) => void) | undefined;
  /** Called with each change of the status. */
  onStatus?: ((status: LiveStatus) => void) | undefined;
  /** Called when the connection was lost, before the wait for the next try. */
  onRetry?: ((error: PostriderError, waitMs: number) => void) | undefined;
  /** Called when events are missing, after which the stream goes on. Without it, a gap is a GapError. */
  onGap?: ((gap: Gap) => void) | undefined;
  /** Called when events were left out as `slowPolicy` asks for, with how many. */
  onDropped?: ((events: number, cursor: string) => void) | undefined;
}

/** The callback form of a subscription: in place of a loop. */
export interface EventCallbacks<Event> {
  /** Called with each event; the next one comes when what it answers is done. What it throws ends the subscription. */
  onEvent?: ((event: Event) => unknown) | undefined;
  /** Called once when no more events come, with the error if there is one. */
  onEnd?: ((error?: unknown) => void) | undefined;
}

/** The stream of a subscription: this tab's own, or one that tabs share. */
export function openStream(origin: StreamOrigin, share: Sharing | undefined): MessageStream {
  checkHeartbeat(origin.heartbeatMs);
  return share ? share(origin) : origin.open(undefined);
}

export const defaultHeartbeatMs = 10_000;

/**
 * Throws where a list that selects events came out empty, or holds what is: that would ask for the events of all. A filter
 * without types has those of the subscription.
 */
export function checkSelection(types?: readonly string[], filters?: readonly NamedFilter[]): void {
  for (const list of [types, filters, ...(filters ?? []).map((filter) => filter.types)]) {
    if (list && !(list.length && list.every(Boolean))) {
      throw new TypeError("name at least one type or filter, none empty");
    }
  }
}

/**
 * Events as they come, to be read in a loop, or by `onEvent`. It connects with the first read, goes on where it was after
 * every loss, and ends when the loop is left, `close` is called or the signal aborts.
 */
export class Subscription<Event> implements AsyncIterableIterator<Event, void, undefined> {
  readonly #live: MessageStream;
  readonly #events: AsyncGenerator<Event, void, undefined>;
  #cursor: string | undefined;

  /** Reads events off messages; `read` answers nothing for an event that is passed over. */
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

  /** Where the stream is. */
  get status(): LiveStatus {
    return this.#live.status;
  }

  /** The place reached: a `start` that goes on after the last event that was read. Absent before the stream began. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** Calls the listener with each change of the status; the answer ends that. */
  onStatus(listener: (status: LiveStatus) => void): () => void {
    return this.#live.onStatus(listener);
  }

  /** Cuts a wait between two tries short. */
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

  /** Calls `take` with each event until there are no more. What it throws ends the subscription with that error. */
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
