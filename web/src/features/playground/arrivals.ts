import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import {
  type Event,
  type EventService,
  PayloadFormat,
  type SubscribeResponse,
} from "#gen/postrider/v1/event_pb";
import { heartbeatIntervalSeconds, LiveStream } from "@/live/stream";
import { subscribeSign } from "@/live/subscribe";
import { createStore, type Store } from "@/store/store";

/** So many of the newest are kept. */
const limit = 20;

export interface Arrival {
  event: Event;
  /** When this page received it, in milliseconds since the epoch. */
  at: number;
}

/** The events of one type as they arrive, newest first, from the moment on that the page watches. */
export class Arrivals {
  readonly stream: LiveStream<SubscribeResponse>;
  readonly #view = createStore<readonly Arrival[]>([]);
  #cursor = "now";

  constructor(client: Client<typeof EventService>, tenant: string, type: string) {
    this.stream = new LiveStream({
      open: (signal) =>
        client.subscribe(
          {
            tenant,
            types: [type],
            start: this.#cursor,
            payloadFormat: PayloadFormat.JSON,
            heartbeatInterval: durationFromMs(heartbeatIntervalSeconds * 1000),
          },
          { signal },
        ),
      receive: (message) => this.#receive(message),
      sign: subscribeSign,
    });
  }

  get view(): Store<readonly Arrival[]> {
    return this.#view;
  }

  #receive({ cursor, message }: SubscribeResponse): void {
    this.#cursor = cursor;
    if (message.case !== "event") return;
    const arrival = { event: message.value, at: Date.now() };
    this.#view.set([arrival, ...this.#view.get()].slice(0, limit));
  }
}
