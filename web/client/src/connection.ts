import type { Client } from "@connectrpc/connect";
import { PostriderError } from "./error.js";
import type {
  EventService,
  SubscribeRequest,
  SubscribeResponse,
} from "./gen/postrider/v1/event_pb.js";

/** One call of Subscribe. It takes silence for death: a quiet stream has heartbeats. */
export class Connection {
  readonly #stop = new AbortController();
  readonly #messages: AsyncIterator<SubscribeResponse>;
  readonly #silenceMs: number;
  readonly #signal: AbortSignal | undefined;
  #failure = new PostriderError("unavailable", "the server ended the stream");
  #interrupt: (cause: PostriderError) => void = () => {};

  constructor(
    rpc: Client<typeof EventService>,
    request: SubscribeRequest,
    silenceMs: number,
    signal?: AbortSignal,
  ) {
    this.#silenceMs = silenceMs;
    this.#signal = signal;
    signal?.addEventListener("abort", this.close);
    const options = { signal: this.#stop.signal, timeoutMs: 0 };
    this.#messages = rpc.subscribe(request, options)[Symbol.asyncIterator]();
  }

  /** Why there are no more messages. */
  get failure(): PostriderError {
    return this.#failure;
  }

  /** The next message, or nothing when there is none any more. */
  async next(): Promise<SubscribeResponse | undefined> {
    const silence = setTimeout(this.close, this.#silenceMs);
    try {
      const next = await this.#nextUnlessClosed();
      return next.done ? undefined : next.value;
    } catch (cause) {
      this.#failure = PostriderError.from(cause);
      return undefined;
    } finally {
      clearTimeout(silence);
    }
  }

  readonly close = (): void => {
    this.#signal?.removeEventListener("abort", this.close);
    this.#stop.abort();
    this.#interrupt(silent());
  };

  /**
   * Not every transport notices an abort while it waits. A promise of its own for each message, rather than a race with
   * one that lives as long as the stream: that one would keep every message in memory.
   */
  #nextUnlessClosed(): Promise<IteratorResult<SubscribeResponse>> {
    return new Promise((resolve, reject) => {
      this.#interrupt = reject;
      if (this.#stop.signal.aborted) reject(silent());
      else this.#messages.next().then(resolve, reject);
    });
  }
}

function silent(): PostriderError {
  return new PostriderError("unavailable", "the stream fell silent");
}
