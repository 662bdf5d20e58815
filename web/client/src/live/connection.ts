import { PostriderError } from "../error.js";

/** How long a connection may be silent. */
export interface Patience {
  /** Longer silence counts as death: a quiet stream has heartbeats. */
  readonly silenceMs: number;
  /** A heartbeat is overdue: it counts as death where there is another reason to suspect it. */
  readonly overdueMs: number;
}

/** One connection of a live stream: what it brings, until it is lost or closed. */
export class Connection<Message> {
  readonly #abort = new AbortController();
  readonly #messages: AsyncIterator<Message>;
  readonly #patience: Patience;
  #failure: unknown = new PostriderError("unavailable", "the server ended the stream");
  #interrupt: (cause: unknown) => void = () => {};
  #later: ReturnType<typeof setTimeout> | undefined;
  /** Since when a message is waited for; 0 while none is. */
  #waitsSince = 0;

  /** How many messages have come. */
  received = 0;
  /** It ended because of what happened here, so that the next one may begin at once. */
  isGivenUp = false;

  constructor(open: (signal: AbortSignal) => AsyncIterable<Message>, patience: Patience) {
    this.#patience = patience;
    this.#messages = open(this.#abort.signal)[Symbol.asyncIterator]();
  }

  /** Why there are no more messages. */
  get failure(): unknown {
    return this.#failure;
  }

  /** The next message, or nothing when there is none any more. */
  async next(): Promise<IteratorResult<Message> | undefined> {
    this.#waitsSince = Date.now();
    const silence = setTimeout(this.#loseForSilence, this.#patience.silenceMs);
    try {
      const next = await this.#nextUnlessLost();
      if (next.done) return undefined;
      this.received++;
      return next;
    } catch (cause) {
      this.#failure = cause;
      return undefined;
    } finally {
      this.#waitsSince = 0;
      clearTimeout(silence);
    }
  }

  /** Gives the connection up if a heartbeat is overdue, by the clock: timers stand still while a page sleeps. */
  suspect(): void {
    const silentMs = this.#waitsSince === 0 ? 0 : Date.now() - this.#waitsSince;
    if (silentMs > this.#patience.overdueMs) this.giveUp();
  }

  /** Aborts with the connection. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Does something after a time, unless the connection is lost by then. */
  later(ms: number, act: () => void): void {
    if (this.#abort.signal.aborted) return;
    clearTimeout(this.#later);
    this.#later = setTimeout(act, Math.min(ms, longestTimerMs));
  }

  /** Ends the connection; the next one shall begin at once. */
  giveUp(): void {
    if (this.#abort.signal.aborted) return;
    this.isGivenUp = true;
    this.close();
  }

  readonly close = (): void => this.#lose(new PostriderError("canceled", "the stream was closed"));

  readonly #loseForSilence = (): void => this.#lose(silent());

  #lose(cause: unknown): void {
    clearTimeout(this.#later);
    this.#abort.abort(cause);
    this.#interrupt(cause);
    this.#messages.return?.().catch(() => {});
  }

  /**
   * Not every transport notices an abort while it waits. A promise of its own for each message, rather than a race with
   * one that lives as long as the stream: that one would keep every message in memory.
   */
  #nextUnlessLost(): Promise<IteratorResult<Message>> {
    return new Promise((resolve, reject) => {
      this.#interrupt = reject;
      if (this.#abort.signal.aborted) reject(this.#abort.signal.reason);
      else this.#messages.next().then(resolve, reject);
    });
  }
}

/** What setTimeout can count to. */
const longestTimerMs = 2 ** 31 - 1;

const silent = () => new PostriderError("unavailable", "the stream fell silent");
