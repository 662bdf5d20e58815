import { onAbort } from "../abort.js";
import { faultOf, type PostriderError } from "../error.js";
import type { StreamMessage } from "./message.js";
import type { MessageStream, Sharing, StreamOrigin } from "./message-stream.js";
import { type LiveStatus, StatusStore } from "./status.js";

/**
 * One connection for all tabs of a browser that subscribe to the same events. `scope` identifies the user, for example
 * by the id of the signed-in user: tabs share only streams of the same scope. If the browser does not support sharing,
 * each tab has its own connection.
 */
export function betweenTabs(scope: string): Sharing {
  return (origin) => {
    const isAble = globalThis.navigator?.locks && globalThis.BroadcastChannel;
    return isAble ? new SharedStream(scope, origin) : origin.open(undefined);
  };
}

/**
 * A message that the leading tab passes on. `after` is the cursor before it, so each tab can check whether it is the
 * next message.
 */
interface Frame {
  readonly after: string;
  readonly message: StreamMessage<unknown>;
}

type Word =
  | { readonly frame: Frame }
  | { readonly status: LiveStatus["state"] }
  /** Sent by a tab that reads for itself: where is the leading tab? */
  | { readonly hello: true }
  /** The user of another tab wants the leading tab to retry now. */
  | { readonly retry: true };

/**
 * The number of messages of the leading tab that are buffered while they cannot be used. A tab that falls behind reads
 * for itself.
 */
const mostHeard = 1000;
/** The time for which a tab waits for the next message before it reads for itself. */
const graceMs = 500;

/**
 * The stream of one tab. It either reads for itself, from its own position in the log, or follows the tab that holds
 * the lock and passes on its messages. A tab follows only while the messages continue its own position, and otherwise
 * reads for itself. So nothing is lost or repeated when tabs are opened, closed, sleep or take over.
 */
class SharedStream implements MessageStream {
  readonly #origin: StreamOrigin;
  readonly #name: string;
  #channel: BroadcastChannel | undefined;
  readonly #status = new StatusStore();
  readonly #stop = new AbortController();
  #place: string | undefined;
  /** The buffered messages of the leading tab, oldest first. */
  #heard: Frame[] = [];
  #own: MessageStream | undefined;
  #leads = false;
  /** Whether the messages of the leading tab continue the position of this tab. */
  #follows = false;
  #release: () => void = () => {};
  #wake: () => void = () => {};
  #leaderState: LiveStatus["state"] = "connecting";

  constructor(scope: string, origin: StreamOrigin) {
    this.#origin = origin;
    this.#name = `postrider ${scope} ${origin.request}`;
  }

  get status(): LiveStatus {
    return this.#status.value;
  }

  get onStatus(): StatusStore["watch"] {
    return this.#status.watch;
  }

  retryNow(): void {
    if (this.#own) this.#own.retryNow();
    else this.#say({ retry: true });
  }

  close(error?: PostriderError): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#own?.close();
    this.#release();
    this.#channel?.close();
    this.#wake();
    this.#status.set({ state: "ended", ...(error && { error }) });
  }

  async *messages(): AsyncGenerator<StreamMessage<unknown>, void, undefined> {
    const { signal } = this.#origin;
    const close = () => this.close();
    this.#stop.signal.addEventListener("abort", onAbort(signal, close));
    if (signal?.aborted) close();
    this.#join();
    try {
      while (!this.#stop.signal.aborted) {
        yield* this.#readForItself();
        yield* this.#follow();
      }
    } catch (cause) {
      this.close(faultOf(cause));
      throw cause;
    } finally {
      close();
    }
  }

  #join(): void {
    if (this.#stop.signal.aborted) return;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }: MessageEvent<Word>) => this.#hear(data);
    this.#runForLeader();
  }

  /** Reads until the messages of the leading tab continue the position of this tab. */
  async *#readForItself(): AsyncGenerator<StreamMessage<unknown>, void, undefined> {
    if (this.#place !== undefined && !this.#leads && !this.#joins()) await this.#hears(graceMs);
    if (this.#stop.signal.aborted || this.#joins()) return;
    this.#follows = false;
    const own = this.#origin.open(this.#place);
    this.#own = own;
    const stopWatching = own.onStatus((status) => this.#show(status));
    try {
      for await (const message of own.messages()) {
        this.#tell({ frame: { after: this.#place ?? "", message } });
        if (message.kind === "begin") this.#ask();
        this.#place = message.cursor;
        yield* this.#unlessSlow(message);
        if (this.#follows || this.#joins()) return;
      }
      if (!this.#follows) this.close();
    } finally {
      stopWatching();
      this.#own = undefined;
      own.close();
    }
  }

  /** A leading tab that is slow over a message lets another tab lead. */
  async *#unlessSlow(message: StreamMessage<unknown>) {
    const slow = setTimeout(() => this.#resign(), this.#origin.heartbeatMs);
    try {
      yield message;
    } finally {
      clearTimeout(slow);
    }
  }

  /** Follows the leading tab until its messages no longer continue the position of this tab, or this tab leads. */
  async *#follow(): AsyncGenerator<StreamMessage<unknown>, void, undefined> {
    while (!this.#stop.signal.aborted && !this.#leads) {
      const frame = this.#heard[0];
      if (!frame) {
        if (!(await this.#hears(this.#origin.heartbeatMs * 2.5))) return;
      } else if (frame.after === this.#place) {
        this.#heard.shift();
        this.#place = frame.message.cursor;
        yield frame.message;
      } else if (!this.#joins()) {
        return;
      }
    }
  }

  /** Returns the newest frame that continues the position of this tab, and drops the earlier ones. */
  #joins(): boolean {
    if (this.#leads || this.#place === undefined) return false;
    for (let i = this.#heard.length - 1; i >= 0; i--) {
      const frame = this.#heard[i];
      const follows = frame?.after === this.#place;
      if (!follows && frame?.message.cursor !== this.#place) continue;
      this.#heard.splice(0, follows ? i : i + 1);
      this.#follows = true;
      this.#status.set({ state: this.#leaderState });
      return true;
    }
    return false;
  }

  #hear(word: Word): void {
    if ("hello" in word) {
      this.#answer();
    } else if ("retry" in word) {
      if (this.#leads) this.#own?.retryNow();
    } else if ("status" in word) {
      this.#leaderState = word.status;
      if (!this.#own && !this.#leads) this.#status.set({ state: word.status });
    } else if (!this.#leads) {
      this.#hearFrame(word.frame);
    }
  }

  #hearFrame(frame: Frame): void {
    this.#heard.push(frame);
    if (this.#heard.length > mostHeard) this.#heard.splice(0, this.#own ? 1 : mostHeard);
    this.#wake();
    if (this.#own && this.#joins()) this.#own.close();
  }

  #answer(): void {
    if (!this.#leads || !this.#own || this.#place === undefined) return;
    this.#tell({ status: this.status.state });
    const message = { kind: "heartbeat", cursor: this.#place } as const;
    this.#tell({ frame: { after: this.#place, message } });
  }

  #ask(): void {
    if (!this.#leads) this.#say({ hello: true });
  }

  #tell(word: Word): void {
    if (this.#leads) this.#say(word);
  }

  /** A message may still be in flight when the stream and its channel are closed. */
  #say(word: Word): void {
    if (!this.#stop.signal.aborted) this.#channel?.postMessage(word);
  }

  #show(status: LiveStatus): void {
    if (this.#stop.signal.aborted || status.state === "ended") return;
    this.#status.set(status);
    this.#tell({ status: status.state });
  }

  #runForLeader(): void {
    const { signal } = this.#stop;
    if (signal.aborted) return;
    const lead = () => {
      this.#leads = true;
      this.#heard = [];
      this.#wake();
      return new Promise<void>((resolve) => {
        this.#release = resolve;
      });
    };
    // It fails only where the signal aborts.
    navigator.locks.request(this.#name, { signal }, lead).catch(() => {});
  }

  #resign(): void {
    if (!this.#leads) return;
    this.#leads = false;
    this.#release();
    this.#runForLeader();
  }

  /** Whether, within a time, the leading tab sends something or this tab becomes the leader. */
  #hears(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
