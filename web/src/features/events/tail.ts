import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { type Client, ConnectError } from "@connectrpc/connect";
import type { Gap } from "@postrider/client";
import {
  type Event,
  type EventService,
  type ListEventsRequestSchema,
  type ListEventsResponse,
  PayloadFormat,
} from "#gen/postrider/v1/event_pb";
import { createStore, type Store } from "@/store/store";
import { type EventFilter, readInstant } from "./filter";

/** The list keeps this many of the newest rows; what is older is one filter away. */
export const rowLimit = 5000;
const pageSize = 200;
/** A search reads this many pages without a find before it asks whether to go on. */
export const searchPages = 20;
/** Rows that arrive together are shown together: at a thousand a second nobody reads single ones. */
const batchMs = 50;

export type TailRow =
  | { kind: "event"; key: string; event: Event }
  /** Events are missing between the row below and the row above. */
  | { kind: "gap"; key: string; message: string };

export interface TailView {
  phase: "loading" | "ready" | "failed";
  /** Why loading failed. */
  cause?: unknown;
  /** Newest first. */
  rows: readonly TailRow[];
  paused: boolean;
  /** How many rows arrived while paused. */
  held: number;
  /** Rows were dropped at the old end to stay within the limit. */
  trimmed: boolean;
  /** There are older events on the server that can be loaded. */
  hasOlder: boolean;
  loadingOlder: boolean;
  olderCause?: unknown;
  /** How far back a search by expression has come. */
  searchedTo?: Timestamp | undefined;
  /** The search found nothing for a while: it goes on when asked. */
  resting: boolean;
}

const start: TailView = {
  phase: "loading",
  rows: [],
  paused: false,
  held: 0,
  trimmed: false,
  hasOlder: false,
  loadingOlder: false,
  resting: false,
};

/**
 * The newest events, kept current. History is read by ListEvents; the stream begins at the cursor that list was read at,
 * so nothing is missed and nothing comes twice between the two, and after a break at the last cursor seen.
 */
export class EventTail {
  readonly #client: Client<typeof EventService>;
  readonly #tenant: string;
  readonly #filter: EventFilter;
  readonly #view = createStore<TailView>(start);
  readonly #seen = new Set<string>();
  #cursor = "now";
  #olderToken = "";
  /** Oldest first, waiting to be shown. */
  #arrived: TailRow[] = [];
  #flush: ReturnType<typeof setTimeout> | undefined;
  #gaps = 0;
  /** Pages without a find since the last find. */
  #emptyPages = 0;
  /** Rows that arrived since the last batch. */
  #news = 0;

  constructor(client: Client<typeof EventService>, tenant: string, filter: EventFilter) {
    this.#client = client;
    this.#tenant = tenant;
    this.#filter = filter;
  }

  get view(): Store<TailView> {
    return this.#view;
  }

  get types(): readonly string[] {
    return this.#filter.types;
  }

  get expression(): string {
    return this.#filter.expression;
  }

  /** The cursor at which the list was read: later events arrive on the stream. */
  get cursor(): string {
    return this.#cursor;
  }

  /** Whether new events belong in this list: not when it ends at a time. */
  get isLive(): boolean {
    return this.#filter.to === "";
  }

  /** Reads the newest page. The stream may begin once the view is ready. */
  async load(signal: AbortSignal): Promise<void> {
    this.#change({ phase: "loading", cause: undefined });
    try {
      const page = await this.#client.listEvents(this.#listRequest(""), { signal });
      if (signal.aborted) return;
      this.#cursor = page.cursor || "now";
      this.#olderToken = page.nextPageToken;
      const rows = this.#unseen(page.events);
      this.#change({ phase: "ready", rows, ...this.#progress(page) });
    } catch (cause) {
      if (!signal.aborted) this.#change({ phase: "failed", cause });
    }
  }

  /** Reads the page below the oldest row, unless the list is full. A search that rests goes on. */
  async loadOlder(): Promise<void> {
    const { hasOlder, loadingOlder, resting } = this.#view.get();
    if (!hasOlder || loadingOlder) return;
    if (resting) this.#emptyPages = 0;
    this.#change({ loadingOlder: true, olderCause: undefined, resting: false });
    try {
      const page = await this.#client.listEvents(this.#listRequest(this.#olderToken));
      this.#olderToken = page.nextPageToken;
      const rows = [...this.#view.get().rows, ...this.#unseen(page.events)];
      this.#change({ loadingOlder: false, ...this.#progress(page), ...this.#fit(rows) });
    } catch (cause) {
      this.#change({ loadingOlder: false, olderCause: ConnectError.from(cause) });
    }
  }

  pause(): void {
    this.#show();
    this.#change({ paused: true });
  }

  resume(): void {
    this.#change({ paused: false });
    this.#show();
  }

  /** Takes an event of the stream. */
  readonly receive = (event: Event): void => {
    if (this.#filter.subject !== "" && event.subject !== this.#filter.subject) return;
    for (const row of this.#unseen([event])) this.#arrive(row);
  };

  /** Takes notice that events are missing in the stream. */
  readonly receiveGap = (gap: Gap): void => {
    this.#gaps++;
    const message = gap.message || "The server gave no reason.";
    this.#arrive({ kind: "gap", key: `gap ${this.#gaps}`, message });
  };

  /** Drops what is waiting to be shown; for a list that is left. */
  close(): void {
    clearTimeout(this.#flush);
    this.#flush = undefined;
  }

  #listRequest(pageToken: string): MessageInitShape<typeof ListEventsRequestSchema> {
    return {
      tenant: this.#tenant,
      types: this.#filter.types,
      subject: this.#filter.subject,
      expression: this.#filter.expression,
      fromTime: readInstant(this.#filter.from),
      toTime: readInstant(this.#filter.to),
      pageSize,
      pageToken,
      payloadFormat: PayloadFormat.JSON,
    };
  }

  #arrive(row: TailRow): void {
    this.#arrived.push(row);
    if (this.#arrived.length > rowLimit * 2) this.#forget(this.#arrived.splice(0, rowLimit));
    this.#flush ??= setTimeout(() => {
      this.#flush = undefined;
      if (this.#view.get().paused) this.#change({ held: this.#view.get().held + this.#news });
      else this.#show();
      this.#news = 0;
    }, batchMs);
    this.#news++;
  }

  #show(): void {
    if (this.#arrived.length === 0) {
      this.#change({ held: 0 });
      return;
    }
    const all = [...this.#arrived.reverse(), ...this.#view.get().rows];
    this.#arrived = [];
    this.#change({ held: 0, ...this.#fit(all) });
  }

  /** What a page says of what is below it. */
  #progress({ events, nextPageToken, searchedTime }: ListEventsResponse): Partial<TailView> {
    const hasOlder = nextPageToken !== "";
    this.#emptyPages = events.length > 0 ? 0 : this.#emptyPages + 1;
    const searchedTo = searchedTime ?? this.#view.get().searchedTo;
    return { hasOlder, searchedTo, resting: hasOlder && this.#emptyPages >= searchPages };
  }

  /** Cuts the list to its limit. What was cut could only be read again by a new list, so there is nothing older to load. */
  #fit(rows: TailRow[]): Partial<TailView> {
    if (rows.length < rowLimit) return { rows };
    this.#forget(rows.slice(rowLimit));
    const trimmed = rows.length > rowLimit || this.#olderToken !== "";
    return { rows: rows.slice(0, rowLimit), hasOlder: false, trimmed };
  }

  #unseen(events: Event[]): TailRow[] {
    const fresh = events.filter(({ cursor }) => !this.#seen.has(cursor));
    for (const { cursor } of fresh) this.#seen.add(cursor);
    return fresh.map((event) => ({ kind: "event", key: event.cursor, event }));
  }

  #forget(rows: TailRow[]): void {
    for (const { key } of rows) this.#seen.delete(key);
  }

  #change(change: Partial<TailView>): void {
    this.#view.set({ ...this.#view.get(), ...change });
  }
}
