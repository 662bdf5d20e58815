/** A message of an event stream, as the WHATWG defines it: https://html.spec.whatwg.org/#event-stream-interpretation. */
export interface SseMessage {
  /** "message" when the server names none. */
  readonly event: string;
  readonly data: string;
  /** The id that came with this message, if one did. */
  readonly id: string | undefined;
}

/** Longer messages are refused: an event is at most some megabytes. */
const longestMessage = 64 * 1024 * 1024;

/**
 * Reads an event stream from chunks of its text, cut anywhere. A message that has no end is none. `retry` is passed over:
 * waits are drawn here.
 */
export class SseParser {
  /** The beginning of a line whose end has not come yet. */
  #line = "";
  #event = "";
  #id: string | undefined;
  #data: string[] = [];
  #size = 0;
  /** The last chunk ended with a carriage return; a line feed that follows belongs to it. */
  #endedWithReturn = false;
  #isFirst = true;

  /** Calls `emit` with the messages that the chunk completes. */
  push(chunk: string, emit: (message: SseMessage) => void): void {
    let at = this.#beginning(chunk);
    for (;;) {
      const end = lineEnd(chunk, at);
      if (end < 0) break;
      this.#readLine(this.#line + chunk.slice(at, end), emit);
      this.#line = "";
      at = end + 1;
      if (chunk[end] !== "\r") continue;
      if (at === chunk.length) this.#endedWithReturn = true;
      else if (chunk[at] === "\n") at++;
    }
    this.#line += chunk.slice(at);
    if (this.#size + this.#line.length > longestMessage)
      throw new RangeError("a message is too long");
  }

  #beginning(chunk: string): number {
    if (chunk === "") return 0;
    const skips = this.#endedWithReturn ? "\n" : this.#isFirst ? "\ufeff" : "";
    this.#endedWithReturn = false;
    this.#isFirst = false;
    return chunk[0] === skips ? 1 : 0;
  }

  #readLine(line: string, emit: (message: SseMessage) => void): void {
    if (line === "") {
      this.#dispatch(emit);
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") this.#event = value;
    if (field === "id") this.#id = value;
    if (field !== "data") return;
    this.#data.push(value);
    this.#size += value.length;
  }

  #dispatch(emit: (message: SseMessage) => void): void {
    const event = this.#event || "message";
    const data = this.#data;
    const id = this.#id;
    this.#event = "";
    this.#id = undefined;
    this.#data = [];
    this.#size = 0;
    if (data.length > 0) emit({ event, data: data.join("\n"), id });
  }
}

/** Where the line ends that begins at a place, or -1. */
function lineEnd(chunk: string, from: number): number {
  for (let i = from; i < chunk.length; i++) {
    const code = chunk.charCodeAt(i);
    if (code === 10 || code === 13) return i;
  }
  return -1;
}
