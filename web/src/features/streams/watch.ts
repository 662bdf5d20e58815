import type { Client } from "@connectrpc/connect";
import type { LiveStream, StreamService, WatchStreamsResponse } from "#gen/postrider/v1/stream_pb";
import { LiveStream as Connection } from "@/live/stream";
import { createStore, type Store } from "@/store/store";

/** Streams shown; the server's snapshot holds no more. */
const streamLimit = 1000;

export interface StreamsView {
  /** By id, the oldest first; undefined until the first snapshot is complete. */
  streams: ReadonlyMap<string, LiveStream> | undefined;
  /** How many are open, those included that are not shown. */
  total: number;
}

/** The open streams of a tenant as they come, go and move on. A reconnect begins with a new snapshot. */
export class StreamsWatch {
  readonly stream: Connection<WatchStreamsResponse>;
  readonly #view = createStore<StreamsView>({ streams: undefined, total: 0 });
  #snapshot = new Map<string, LiveStream>();

  constructor(client: Client<typeof StreamService>, tenant: string) {
    this.stream = new Connection({
      open: (signal) => {
        this.#snapshot = new Map();
        return client.watchStreams({ tenant }, { signal, timeoutMs: 0 });
      },
      receive: (message) => this.#receive(message),
    });
  }

  get view(): Store<StreamsView> {
    return this.#view;
  }

  #receive({ message }: WatchStreamsResponse): void {
    switch (message.case) {
      case "snapshot":
        this.#snapshot.set(message.value.id, message.value);
        return;
      case "snapshotEnd":
        this.#view.set({ streams: this.#snapshot, total: message.value.total });
        return;
      case "change":
        this.#view.set(withStream(this.#view.get(), message.value));
        return;
      case "ended":
        this.#view.set(withoutStream(this.#view.get(), message.value));
    }
  }
}

function withStream({ streams, total }: StreamsView, change: LiveStream): StreamsView {
  if (streams?.has(change.id)) return { streams: new Map(streams).set(change.id, change), total };
  if (streams && streams.size >= streamLimit) return { streams, total: total + 1 };
  return { streams: new Map(streams).set(change.id, change), total: total + 1 };
}

function withoutStream({ streams, total }: StreamsView, id: string): StreamsView {
  const next = new Map(streams);
  next.delete(id);
  return { streams: next, total: Math.max(total - 1, next.size) };
}
