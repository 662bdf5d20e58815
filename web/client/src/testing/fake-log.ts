import { create } from "@bufbuild/protobuf";
import { type ConnectError, createRouterTransport, type Transport } from "@connectrpc/connect";
import { type Event, EventSchema, EventService } from "#gen/postrider/v1/event_pb";
import { Feed } from "./feed.js";

const at = (position: number) => `c${String(position).padStart(4, "0")}`;

/** A server in memory with a log: it lists events and streams them, from a cursor on. */
export class FakeLog {
  readonly events: Event[] = [];
  /** Where streams began, oldest first. */
  readonly starts: string[] = [];
  /** How many times the events were listed. */
  lists = 0;
  /** Runs before a list is answered, and after it was read. */
  afterRead: () => unknown = () => {};
  /** What streams that are opened are refused with, if they are. */
  refusal: ConnectError | undefined;
  readonly #feeds = new Set<Feed<object>>();

  readonly transport: Transport = createRouterTransport(({ service }) => {
    service(EventService, {
      listEvents: async () => {
        this.lists++;
        const answer = { events: [...this.events].reverse(), cursor: at(this.events.length) };
        await this.afterRead();
        return answer;
      },
      subscribe: ({ start }, { signal }) => this.#subscribe(start, signal) as never,
    });
  });

  get openStreams(): number {
    return this.#feeds.size;
  }

  /** Stores an event and sends it to whoever subscribes. */
  publish(): void {
    const cursor = at(this.events.length + 1);
    const event = create(EventSchema, {
      id: `evt_${cursor}`,
      type: "shop.v1.OrderCreated",
      cursor,
      payload: { case: "jsonData", value: "{}" },
    });
    this.events.push(event);
    for (const feed of this.#feeds) feed.push({ cursor, message: { case: "event", value: event } });
  }

  /** Cuts all streams. */
  cut(): void {
    for (const feed of this.#feeds) feed.end(new TypeError("network error"));
  }

  #subscribe(start: string, signal: AbortSignal): Feed<object> {
    this.starts.push(start);
    if (this.refusal) throw this.refusal;
    const from = start === "now" ? at(this.events.length) : start === "earliest" ? at(0) : start;
    const feed = new Feed<object>(signal);
    this.#feeds.add(feed);
    signal.addEventListener("abort", () => this.#feeds.delete(feed));
    feed.push({ cursor: from, message: { case: "begin", value: { live: true, stream: "s" } } });
    for (const event of this.events.filter(({ cursor }) => cursor > from)) {
      feed.push({ cursor: event.cursor, message: { case: "event", value: event } });
    }
    return feed;
  }
}
