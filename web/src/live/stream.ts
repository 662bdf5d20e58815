import { LiveStream as ClientStream, errorOf, type LiveStatus, type Sign } from "@postrider/client";
import { createStore, type Store } from "@/store/store";
import { type LiveState, liveStateOf } from "./state";

/** What the server is asked to send a sign of life at. Two that fail to come are a loss. */
export const heartbeatIntervalSeconds = 5;

/** What a live stream reads: it knows its own cursor, so that `open` resumes where `receive` stopped. */
export interface LiveSource<Message> {
  open(signal: AbortSignal): AsyncIterable<Message>;
  receive(message: Message): void;
  /** What a message says about the stream; every stream is live from its first message on when absent. */
  sign?(message: Message): Sign;
}

/** One of the client's streams that can be held, and started again where it was. */
export class LiveStream<Message> {
  readonly #source: LiveSource<Message>;
  readonly #state = createStore<LiveState>({ kind: "idle" });
  #run: ClientStream<Message> | undefined;

  constructor(source: LiveSource<Message>) {
    this.#source = source;
  }

  get state(): Store<LiveState> {
    return this.#state;
  }

  start(): void {
    if (this.#run) return;
    const { open, sign } = this.#source;
    const run = new ClientStream<Message>(
      { open, errorOf, note: (message) => sign?.(message) ?? {} },
      { heartbeatMs: heartbeatIntervalSeconds * 1000 },
    );
    this.#run = run;
    run.onStatus((status) => {
      if (this.#run === run) this.#show(status);
    });
    this.#show(run.status);
    void this.#read(run);
  }

  /** Stops reading; `held` says that it will be started again. */
  stop(held = false): void {
    const run = this.#run;
    this.#run = undefined;
    run?.close();
    this.#state.set({ kind: held ? "held" : "idle" });
  }

  /** Cuts a wait between tries short. */
  readonly retryNow = (): void => this.#run?.retryNow();

  async #read(run: ClientStream<Message>): Promise<void> {
    try {
      for await (const message of run.messages()) this.#source.receive(message);
    } catch {
      // The status tells what ended the stream.
      if (this.#run === run) this.#run = undefined;
    }
  }

  #show(status: LiveStatus): void {
    if (status.state !== "ended" || status.error) this.#state.set(liveStateOf(status));
  }
}
