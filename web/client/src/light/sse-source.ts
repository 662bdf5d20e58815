import { type ErrorCode, PostriderError } from "../error.js";
import type { Gap } from "../gap.js";
import type { LiveSource, Sign } from "../live/live-stream.js";
import { fromBeginning, type StreamMessage } from "../live/message.js";
import { foreign } from "../request.js";
import { call, errorOf, type Http, send } from "./http.js";
import { type SseMessage, SseParser } from "./sse-parser.js";

/** An event as the server shows it to JSON clients. */
export interface WireEvent {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly subject?: string;
  readonly time: string;
  readonly data: unknown;
  readonly cursor: string;
  readonly violations?: readonly object[];
  readonly filters?: readonly string[];
}

const path = "/v1/events/stream";

/**
 * The stream over plain HTTP as server-sent events. It is read with fetch rather than by an EventSource, which can send no
 * header and gives up for good when it is refused.
 */
export class SseSource implements LiveSource<StreamMessage<WireEvent>> {
  readonly #http: Http;
  readonly #query: URLSearchParams;
  readonly refuse?: () => void;
  readonly errorOf = errorOf;

  constructor(http: Http, query: URLSearchParams) {
    this.#http = http;
    this.#query = query;
    const { refuse } = http.access;
    if (refuse) this.refuse = refuse;
  }

  open(signal: AbortSignal): AsyncGenerator<StreamMessage<WireEvent>> {
    return fromBeginning(this.#open(signal));
  }

  async *#open(signal: AbortSignal): AsyncGenerator<StreamMessage<WireEvent>> {
    const token = await this.#http.access.ask();
    const query = new URLSearchParams(this.#query);
    if (typeof token === "object") query.set("ticket", token.ticket);
    const headers = { Accept: "text/event-stream" };
    const response = await send(this.#http, `${path}?${query}`, token, { headers, signal });
    const type = response.headers.get("Content-Type") ?? "";
    if (!response.body || !type.startsWith("text/event-stream")) {
      await response.body?.cancel();
      throw foreign();
    }
    const reader = response.body.getReader();
    try {
      yield* messages(reader);
    } finally {
      await reader.cancel().catch(() => {});
    }
  }

  async renew(id: string, signal: AbortSignal): Promise<number | undefined> {
    const token = await this.#http.access.ask();
    const tenant = this.#query.get("tenant") ?? "";
    const body = JSON.stringify({ id, tenant, ...(typeof token === "object" && token) });
    const answer = await call(this.#http, "StreamService/RenewStream", token, body, signal);
    return timeOf((answer as { expireTime?: string }).expireTime);
  }

  note(message: StreamMessage<WireEvent>): Sign {
    if (message.cursor) this.#query.set("start", message.cursor);
    return message.kind === "begin" || message.kind === "heartbeat" ? message : {};
  }
}

async function* messages(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): AsyncGenerator<StreamMessage<WireEvent>> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const parser = new SseParser();
  const read = new MessageReader();
  const ready: SseMessage[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parser.push(decoder.decode(value, { stream: true }), (message) => ready.push(message));
    for (const message of ready) {
      const known = read.message(message);
      if (known) yield known;
    }
    ready.length = 0;
  }
}

interface Beginning {
  readonly cursor: string;
  readonly live?: boolean;
  readonly stream?: string;
  readonly expireTime?: string;
}

interface WireGap {
  readonly reason?: string;
  readonly message?: string;
}

interface End {
  readonly code: ErrorCode;
  readonly reason?: string;
  readonly message: string;
  readonly reconnect: boolean;
}

/** Reads the messages of one connection. */
class MessageReader {
  /** A stream that begins with a gap tells of its place and of the gap in two messages. */
  #beginning: Beginning | undefined;

  /** The message as every transport has it; nothing for what this version does not know. The end is thrown. */
  message({ event, data, id = "" }: SseMessage): StreamMessage<WireEvent> | undefined {
    const value: unknown = JSON.parse(data);
    switch (event) {
      case "message": {
        const read = value as WireEvent;
        return {
          kind: "event",
          cursor: id || read.cursor,
          event: read,
          filters: read.filters ?? [],
        };
      }
      case "begin":
      case "open": // What servers before 1.0 call it.
        if (id) return begin(value as Beginning);
        this.#beginning = value as Beginning;
        return undefined;
      case "gap":
        return this.#gap(id, value as WireGap);
      case "ping":
        return { kind: "heartbeat", ...(value as { cursor: string; live?: boolean }) };
      case "dropped":
        return {
          kind: "dropped",
          cursor: id,
          events: Number((value as { events: string }).events),
        };
      case "end":
        throw errorOfEnd(value as End);
      default:
        return undefined;
    }
  }

  #gap(cursor: string, told: WireGap): StreamMessage<WireEvent> {
    const reason = (told.reason ?? "UNSPECIFIED").replace("GAP_REASON_", "") as Gap["reason"];
    const gap = { reason, message: told.message ?? "", cursor };
    const beginning = this.#beginning;
    this.#beginning = undefined;
    return beginning ? begin(beginning, gap) : { kind: "gap", cursor, gap };
  }
}

function begin(
  { cursor, live, stream, expireTime }: Beginning,
  gap?: Gap,
): StreamMessage<WireEvent> {
  return { kind: "begin", cursor, live, stream, expires: timeOf(expireTime), gap };
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}

function errorOfEnd({ code, reason, message, reconnect }: End): PostriderError {
  return new PostriderError(code, message, { reason, reconnect });
}
