import { describe, expect, it } from "vitest";
import { type SseMessage, SseParser } from "./sse-parser.js";

function parse(...chunks: string[]): SseMessage[] {
  const messages: SseMessage[] = [];
  const parser = new SseParser();
  for (const chunk of chunks) parser.push(chunk, (message) => messages.push(message));
  return messages;
}

const message = (data: string, event = "message", id?: string) => ({ event, data, id });

describe("SseParser", () => {
  it.each([
    ["one line", "data: a\n\n", [message("a")]],
    ["no space, and two", "data:a\n\ndata:  b\n\n", [message("a"), message(" b")]],
    ["several lines", "data: a\ndata\ndata: b\n\n", [message("a\n\nb")]],
    ["an event and an id", "event: ping\nid: 7\ndata: a\n\n", [message("a", "ping", "7")]],
    [
      "a name for one message only",
      "event: x\nid: 1\ndata: a\n\ndata: b\n\n",
      [message("a", "x", "1"), message("b")],
    ],
    [
      "comments, unknown fields and retry",
      ": hi\nretry: 5\nfoo: bar\nbaz\ndata: a\n\n",
      [message("a")],
    ],
    ["nothing without data", "event: x\nid: 1\n\n\n\n", []],
    ["a message without an end", "data: a\n", []],
    ["a byte order mark", "\ufeffdata: a\n\n", [message("a")]],
    ["a colon in the value", "data: a:b: c\n\n", [message("a:b: c")]],
  ])("reads %s, cut anywhere and with any line ends", (_, text, wanted) => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const lines = text.replaceAll("\n", end);
      expect(parse(lines)).toEqual(wanted);
      expect(parse(...lines)).toEqual(wanted);
      for (let cut = 1; cut < lines.length; cut++) {
        expect(parse(lines.slice(0, cut), "", lines.slice(cut))).toEqual(wanted);
      }
    }
  });

  it("refuses a message that does not end", () => {
    const parser = new SseParser();
    const much = "x".repeat(8 * 1024 * 1024);
    parser.push("data: ", () => {});
    expect(() => {
      for (let i = 0; i < 9; i++) parser.push(much, () => {});
    }).toThrow("too long");
    const lines = new SseParser();
    expect(() => {
      for (let i = 0; i < 9; i++) lines.push(`data: ${much}\n`, () => {});
    }).toThrow("too long");
  });
});
