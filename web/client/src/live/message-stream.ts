import type { PostriderError } from "../error.js";
import type { StreamMessage } from "./message.js";
import type { LiveStatus } from "./status.js";

/** Messages of a stream of events, one connection after another: a live stream of this tab, or one that tabs share. */
export interface MessageStream {
  readonly status: LiveStatus;
  onStatus(listener: (status: LiveStatus) => void): () => void;
  retryNow(): void;
  close(error?: PostriderError): void;
  /** To be called once. */
  messages(): AsyncGenerator<StreamMessage<unknown>, void, undefined>;
}

/** What a stream that tabs share is made from. */
export interface StreamOrigin {
  /** Says what is asked for: streams of the same request bring the same events. */
  readonly request: string;
  readonly heartbeatMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Opens a stream of this tab's own, after a place or else where the subscription begins. */
  open(after: string | undefined): MessageStream;
}

/** Makes one stream of those of several tabs. */
export type Sharing = (origin: StreamOrigin) => MessageStream;
