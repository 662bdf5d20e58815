import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import type { StatsService, StatsServiceWatchResponse } from "#gen/postrider/v1/stats_pb";
import { LiveStream } from "@/live/stream";
import { createStore, type Store } from "@/store/store";
import { type StatsWindow, withChange, withSnapshot } from "./window";

export interface StatsView {
  /** Undefined until the first snapshot is complete. */
  window: StatsWindow | undefined;
  /** When figures last came, by this machine's clock; 0 before. */
  receivedAt: number;
  /** What to add to this machine's time to have the server's. */
  clockOffset: number;
}

/** The figures of a span as they become. A reconnect begins with a new snapshot, and keeps what it no longer has. */
export class StatsWatch {
  readonly stream: LiveStream<StatsServiceWatchResponse>;
  readonly #spanMs: number;
  readonly #view = createStore<StatsView>({ window: undefined, receivedAt: 0, clockOffset: 0 });
  #next: StatsWindow | undefined;

  constructor(client: Client<typeof StatsService>, tenant: string, spanMs: number) {
    this.#spanMs = spanMs;
    this.stream = new LiveStream({
      open: (signal) =>
        client.watch(
          { tenant, span: durationFromMs(spanMs) },
          { signal, timeoutMs: 0, onHeader: (header) => this.#setClock(header) },
        ),
      receive: (message) => this.#receive(message),
    });
  }

  get view(): Store<StatsView> {
    return this.#view;
  }

  #receive({ message }: StatsServiceWatchResponse): void {
    const { window } = this.#view.get();
    switch (message.case) {
      case "snapshot":
        this.#next = withSnapshot(window, message.value, this.#spanMs);
        return;
      case "snapshotEnd":
        this.#show(this.#next);
        return;
      case "change":
        this.#show(window && withChange(window, message.value));
        return;
      case "heartbeat":
        this.#show(window);
    }
  }

  #show(window: StatsWindow | undefined): void {
    this.#view.set({ ...this.#view.get(), window, receivedAt: Date.now() });
  }

  /** Clocks differ, and charts end at the server's now. */
  #setClock(header: Headers): void {
    const date = Date.parse(header.get("Date") ?? "");
    if (Number.isNaN(date)) return;
    this.#view.set({ ...this.#view.get(), clockOffset: date - Date.now() });
  }
}
