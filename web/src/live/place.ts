import type { LiveStatus } from "@postrider/client";
import { createStore, type Store } from "@/store/store";
import { type LiveState, liveStateOf } from "./state";

/** The state of a stream in a hook of the client. */
export interface HookStream {
  readonly status: LiveStatus;
  readonly retryNow: () => void;
}

/** A page in the slot: whether its stream may run, and where the stream is. */
export class Place {
  readonly #isOn = createStore(false);
  readonly #state = createStore<LiveState>({ kind: "idle" });
  #stream: HookStream | undefined;

  /** Whether the place is the page's now. */
  get isOn(): Store<boolean> {
    return this.#isOn;
  }

  get state(): Store<LiveState> {
    return this.#state;
  }

  start(): void {
    this.#state.set({ kind: "connecting" });
    this.#isOn.set(true);
  }

  stop(held = false): void {
    this.#isOn.set(false);
    this.#state.set({ kind: held ? "held" : "idle" });
  }

  /** Notes where the stream is. */
  show(stream: HookStream): void {
    this.#stream = stream;
    if (this.#isOn.get()) this.#state.set(liveStateOf(stream.status));
  }

  readonly retryNow = (): void => this.#stream?.retryNow();
}
