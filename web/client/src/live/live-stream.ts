import { onAbort } from "../abort.js";
import { faultOf, type PostriderError } from "../error.js";
import { type Backoff, isFinal, pause, waitMs } from "../retry.js";
import { Connection } from "./connection.js";
import { isOffline, watchPage } from "./page.js";
import { type LiveStatus, StatusStore } from "./status.js";

/** What a message says about the stream that brings it. */
export interface Sign {
  /** What comes next is new; false while what is stored comes. Absent where the message says nothing about that. */
  readonly live?: boolean | undefined;
  /** When the stream ends unless it is renewed by then, in milliseconds since the epoch. */
  readonly expires?: number | undefined;
  /** The stream's id, to renew it. */
  readonly stream?: string | undefined;
}

/** What a live stream reads. */
export interface LiveSource<Message> {
  /** Opens a connection that goes on where the one before has ended. */
  open(signal: AbortSignal): AsyncIterable<Message>;
  /** Notes the place a message has reached, and answers what it says about the stream. */
  note(message: Message): Sign;
  /** What went wrong, of whatever a connection threw. */
  errorOf(cause: unknown): PostriderError;
  /** Gets fresh credentials when these are refused; absent where there are no others. */
  refuse?(): void;
  /**
   * Lets an open stream go on under fresh credentials, and answers when it ends now, if it does. Where that cannot be done, a
   * new connection is opened in its place.
   */
  renew?(stream: string, signal: AbortSignal): Promise<number | undefined>;
}

export interface LiveOptions {
  /** The time between two signs of life of a quiet stream, in milliseconds. */
  heartbeatMs: number;
  /** Ends the stream, without an error. */
  signal?: AbortSignal | undefined;
  /** Called when the connection was lost, before the wait for the next try. */
  onRetry?: ((error: PostriderError, waitMs: number) => void) | undefined;
}

const backoff: Backoff = { firstMs: 500, longestMs: 15_000 };
/** From this many failures in a row the stream counts as offline: more than a blip. */
const offlineAfter = 3;
/** A stream that expires is renewed this long before, or after nine tenths of its time if that is later. */
const renewalMs = 30_000;
const shortestRenewalMs = 1_000;
/** A refusal is answered with fresh credentials at once, but not more often than this. */
const refusalsMs = 10_000;

/** Throws for what no server agrees to. Less would take every wait for a loss. */
export function checkHeartbeat(heartbeatMs: number): void {
  if (heartbeatMs >= 100 && heartbeatMs <= 300_000) return;
  throw new RangeError("heartbeatMs is 100 to 300,000");
}

/** Keeps one stream of the server alive: connects again after a loss, and takes silence for one. */
export class LiveStream<Message> {
  readonly #source: LiveSource<Message>;
  readonly #options: LiveOptions;
  readonly #status = new StatusStore();
  readonly #stop = new AbortController();
  #connection: Connection<Message> | undefined;
  #wait = new AbortController();
  #leavePage: () => void = () => {};
  /** Tries in a row that came to nothing. */
  #failures = 0;
  #refusedAt = Number.NEGATIVE_INFINITY;
  /** The network was lost, and nothing has come since. */
  #wasGone = false;
  #isLive = true;
  /** No try is made before, whatever happens to the page: the server asked for that. */
  #notBefore = 0;

  constructor(source: LiveSource<Message>, options: LiveOptions) {
    checkHeartbeat(options.heartbeatMs);
    this.#source = source;
    this.#options = options;
  }

  get status(): LiveStatus {
    return this.#status.value;
  }

  get onStatus(): StatusStore["watch"] {
    return this.#status.watch;
  }

  /** Ends the stream: whoever waits for a message gets none. */
  close(error?: PostriderError): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#leavePage();
    this.#connection?.close();
    this.#status.set({ state: "ended", ...(error && { error }) });
  }

  /** Cuts a wait between two tries short. */
  readonly retryNow = (): void => this.#wait.abort();

  /** The messages of one connection after another. To be called once. */
  async *messages(): AsyncGenerator<Message, void, undefined> {
    const { signal } = this.#options;
    const close = () => this.close();
    // A reader that closes the stream may never come for the next message: nothing waits for that.
    this.#stop.signal.addEventListener("abort", onAbort(signal, close));
    if (signal?.aborted) close();
    if (!this.#stop.signal.aborted) {
      this.#leavePage = watchPage({ back: this.#back, gone: this.#gone });
    }
    try {
      while (!this.#stop.signal.aborted) {
        const connection = this.#connect();
        for (;;) {
          const next = await connection.next();
          if (!next || this.#stop.signal.aborted) break;
          this.#note(next.value, connection);
          yield next.value;
        }
        connection.close();
        await this.#recover(connection);
      }
    } catch (cause) {
      this.close(faultOf(cause));
      throw cause;
    } finally {
      close();
    }
  }

  /** Calls `take` with each message until there are no more. What it throws ends the stream with that error. */
  async each(take: (message: Message) => void): Promise<void> {
    for await (const message of this.messages()) {
      try {
        take(message);
      } catch (cause) {
        this.close(faultOf(cause));
        throw cause;
      }
    }
  }

  #connect(): Connection<Message> {
    const { heartbeatMs } = this.#options;
    const patience = { silenceMs: heartbeatMs * 2.5, overdueMs: heartbeatMs * 1.5 };
    this.#connection = new Connection((signal) => this.#source.open(signal), patience);
    this.#wasGone = false;
    return this.#connection;
  }

  #note(message: Message, connection: Connection<Message>): void {
    const { live, expires, stream } = this.#source.note(message);
    // The first message proves that the server answers, the second that the stream stays open.
    if (connection.received === 2) this.#failures = 0;
    if (live !== undefined || connection.received === 1) this.#isLive = live ?? true;
    const state = this.#isLive ? "live" : "catching-up";
    if (this.status.state !== state) this.#status.set({ state });
    if (expires !== undefined) this.#renewInTime(connection, expires, stream);
    this.#wasGone = false;
  }

  /** Waits until the next connection may be opened. What trying again cannot help is thrown. */
  async #recover(connection: Connection<Message>): Promise<void> {
    if (this.#stop.signal.aborted) return;
    if (connection.isGivenUp) {
      this.#status.set({ state: this.#stateWhileTrying() });
      return;
    }
    const error = this.#source.errorOf(connection.failure);
    const isRefused = error.code === "unauthenticated" && this.#source.refuse !== undefined;
    if (!isRefused && isFinal(error)) {
      this.close(error);
      throw error;
    }
    if (isRefused) this.#source.refuse?.();
    await this.#pause(isRefused && this.#mayRetryRefusal() ? 0 : this.#nextWait(error), error);
  }

  /** Renews the stream before it expires; one that seems to have expired tells of a wrong clock. */
  #renewInTime(connection: Connection<Message>, expires: number, stream = ""): void {
    const leftMs = expires - Date.now();
    if (!this.#source.refuse || leftMs < shortestRenewalMs) return;
    const renew = () => void this.#renew(connection, stream);
    connection.later(leftMs - Math.min(renewalMs, leftMs / 10), renew);
  }

  async #renew(connection: Connection<Message>, stream: string): Promise<void> {
    this.#source.refuse?.();
    try {
      if (stream === "" || !this.#source.renew) return connection.giveUp();
      const expires = await this.#source.renew(stream, connection.signal);
      if (expires !== undefined) this.#renewInTime(connection, expires, stream);
    } catch {
      connection.giveUp();
    }
  }

  #nextWait(error: PostriderError): number {
    this.#failures++;
    return waitMs(this.#failures, backoff, error);
  }

  #mayRetryRefusal(): boolean {
    const since = Date.now() - this.#refusedAt;
    if (since < refusalsMs) return false;
    this.#refusedAt = Date.now();
    return true;
  }

  async #pause(ms: number, error: PostriderError): Promise<void> {
    this.#options.onRetry?.(error, ms);
    if (this.#stop.signal.aborted) return;
    this.#wait = new AbortController();
    this.#notBefore = Date.now() + Math.min(ms, error.retryDelayMs);
    const state = this.#stateWhileTrying(ms > 0 ? error : undefined);
    this.#status.set({ state, error, retryAt: new Date(Date.now() + ms) });
    const { signal } = this.#stop;
    signal.addEventListener("abort", this.retryNow);
    await pause(ms, this.#wait.signal);
    signal.removeEventListener("abort", this.retryNow);
    if (!signal.aborted) this.#status.set({ state, error });
  }

  #stateWhileTrying(error?: PostriderError): "connecting" | "unauthorised" | "offline" {
    // Without a reason the refusal is that of something on the way to the server.
    if (error?.code === "unauthenticated" && error.reason && !isOffline()) return "unauthorised";
    return this.#failures >= offlineAfter || isOffline() ? "offline" : "connecting";
  }

  /** A connection that outlived the network is dead more often than not, and opening a new one loses nothing. */
  readonly #back = (): void => {
    if (Date.now() >= this.#notBefore) this.retryNow();
    if (this.#wasGone && !isOffline()) this.#connection?.giveUp();
    else this.#connection?.suspect();
  };

  readonly #gone = (): void => {
    this.#wasGone = true;
    this.#status.set({ ...this.#status.value, state: "offline" });
  };
}
