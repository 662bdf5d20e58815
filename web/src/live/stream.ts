import { Code, ConnectError } from "@connectrpc/connect";
import { createStore, type Store } from "@/store/store";
import { backoff } from "./backoff";

/** What the server is asked to send a sign of life at. */
export const heartbeatIntervalSeconds = 5;
/** A stream that has been silent for two heartbeats and a bit is dead, whatever the socket says. */
export const silenceLimitMs = 12_500;
/** From this many failures in a row the stream counts as offline: more than a blip. */
const offlineAfter = 3;

/** Where a live stream is. */
export type LiveState =
  | { kind: "idle" }
  /** Another stream has the tab's one place; it goes on from its cursor afterwards. */
  | { kind: "held" }
  | { kind: "connecting" }
  | { kind: "live" }
  | { kind: "reconnecting"; retryAt: number }
  | { kind: "offline"; retryAt: number }
  /** The server will not have it; trying again would not help. */
  | { kind: "failed"; cause: unknown };

/** What a live stream reads: it knows its own cursor, so that `open` resumes where `receive` stopped. */
export interface LiveSource<Message> {
  open(signal: AbortSignal): AsyncIterable<Message>;
  receive(message: Message): void;
}

/** Keeps one server stream alive: reconnects with backoff, and takes silence for death. */
export class LiveStream<Message> {
  readonly #source: LiveSource<Message>;
  readonly #random: () => number;
  readonly #state = createStore<LiveState>({ kind: "idle" });
  #run: AbortController | undefined;
  #wake: () => void = () => {};

  constructor(source: LiveSource<Message>, random: () => number = Math.random) {
    this.#source = source;
    this.#random = random;
  }

  get state(): Store<LiveState> {
    return this.#state;
  }

  start(): void {
    if (this.#run) return;
    const run = new AbortController();
    this.#run = run;
    window.addEventListener("online", this.retryNow, { signal: run.signal });
    // Whoever comes back to the tab wants to see what is, not to sit out a wait.
    document.addEventListener("visibilitychange", this.retryNow, { signal: run.signal });
    void this.#keepAlive(run.signal);
  }

  /** Stops reading; `held` says that it will be started again. */
  stop(held = false): void {
    this.#run?.abort();
    this.#run = undefined;
    this.#state.set({ kind: held ? "held" : "idle" });
  }

  /** Cuts a wait between tries short. */
  readonly retryNow = (): void => this.#wake();

  async #keepAlive(signal: AbortSignal): Promise<void> {
    this.#state.set({ kind: "connecting" });
    for (let failures = 0; !signal.aborted; ) {
      const { cause, answered } = await this.#readUntilItEnds(signal);
      if (signal.aborted) return;
      if (isFinal(cause)) {
        this.#run = undefined;
        this.#state.set({ kind: "failed", cause });
        return;
      }
      failures = answered ? 1 : failures + 1;
      await this.#pause(failures, signal);
    }
  }

  async #readUntilItEnds(stop: AbortSignal): Promise<{ cause: unknown; answered: boolean }> {
    const connection = new AbortController();
    const close = () => connection.abort();
    stop.addEventListener("abort", close);
    let answered = false;
    let silence = setTimeout(close, silenceLimitMs);
    try {
      for await (const message of untilAborted(this.#source.open(connection.signal), connection)) {
        clearTimeout(silence);
        if (stop.aborted) break;
        answered = true;
        this.#state.set(live);
        this.#source.receive(message);
        silence = setTimeout(close, silenceLimitMs);
      }
      return { cause: undefined, answered };
    } catch (cause) {
      return { cause, answered };
    } finally {
      clearTimeout(silence);
      stop.removeEventListener("abort", close);
      connection.abort();
    }
  }

  #pause(failures: number, signal: AbortSignal): Promise<void> {
    const wait = backoff(failures, this.#random);
    const offline = failures >= offlineAfter || navigator.onLine === false;
    this.#state.set({ kind: offline ? "offline" : "reconnecting", retryAt: Date.now() + wait });
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener("abort", () => this.#wake(), { once: true });
    });
  }
}

const live: LiveState = { kind: "live" };

/**
 * Ends with the connection, also where the transport does not notice the abort. Each message has a promise of its own: a
 * race with one promise for all of them would keep every message in memory for as long as the stream lasts.
 */
async function* untilAborted<T>(messages: AsyncIterable<T>, connection: AbortController) {
  const iterator = messages[Symbol.asyncIterator]();
  for (;;) {
    const next = await nextUntilAborted(iterator, connection.signal);
    if (next.done) return;
    yield next.value;
  }
}

function nextUntilAborted<T>(
  iterator: AsyncIterator<T>,
  signal: AbortSignal,
): Promise<IteratorResult<T>> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new ConnectError("the stream fell silent", Code.Unavailable));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    iterator
      .next()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Whether the answer would be the same next time. An error that is no answer of the server is a fault of ours. */
function isFinal(cause: unknown): boolean {
  if (cause === undefined) return false;
  switch (ConnectError.from(cause).code) {
    case Code.InvalidArgument:
    case Code.NotFound:
    case Code.PermissionDenied:
    case Code.Unauthenticated:
    case Code.Unimplemented:
    case Code.FailedPrecondition:
    case Code.OutOfRange:
      return true;
    default:
      return false;
  }
}
