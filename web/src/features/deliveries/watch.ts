import type { Client } from "@connectrpc/connect";
import type {
  Delivery,
  DeliveryService,
  WatchDeliveriesResponse,
} from "#gen/postrider/v1/delivery_pb";
import { LiveStream } from "@/live/stream";
import { createStore, type Store } from "@/store/store";

/** Changes kept beside the pages that were listed; the oldest event goes first. */
const changeLimit = 1000;
const snapshotSize = 100;
/** Whether what comes next is new, by the kind of a message. */
const liveBy = { snapshot: false, snapshotEnd: true, change: undefined, heartbeat: undefined };

/** Which deliveries are watched: those of a subscription, of an event, or all. */
export interface DeliveryScope {
  tenant: string;
  subscription: string;
  eventId: string;
}

export interface WatchView {
  /** By id, as they are now. */
  changed: ReadonlyMap<string, Delivery>;
  /** Counts complete snapshots: with each, what was listed before may be out of date. */
  snapshots: number;
}

/** The newest deliveries of a scope as they change. A reconnect begins with a new snapshot. */
export class DeliveryWatch {
  readonly stream: LiveStream<WatchDeliveriesResponse>;
  readonly #view = createStore<WatchView>({ changed: new Map(), snapshots: 0 });
  #snapshot = new Map<string, Delivery>();

  constructor(client: Client<typeof DeliveryService>, scope: DeliveryScope) {
    this.stream = new LiveStream({
      open: (signal) => {
        this.#snapshot = new Map();
        return client.watchDeliveries({ ...scope, snapshotSize }, { signal, timeoutMs: 0 });
      },
      receive: (message) => this.#receive(message),
      sign: ({ message }) => ({ live: liveBy[message.case ?? "heartbeat"] }),
    });
  }

  get view(): Store<WatchView> {
    return this.#view;
  }

  #receive({ message }: WatchDeliveriesResponse): void {
    const { changed, snapshots } = this.#view.get();
    switch (message.case) {
      case "snapshot":
        this.#snapshot.set(message.value.id, message.value);
        return;
      case "snapshotEnd":
        this.#view.set({ changed: this.#snapshot, snapshots: snapshots + 1 });
        return;
      case "change":
        this.#view.set({ changed: withChange(changed, message.value), snapshots });
    }
  }
}

function withChange(changed: ReadonlyMap<string, Delivery>, change: Delivery) {
  const next = new Map(changed).set(change.id, change);
  if (next.size > changeLimit) {
    const oldest = [...next.values()].reduce((a, b) => (a.cursor < b.cursor ? a : b));
    next.delete(oldest.id);
  }
  return next;
}
