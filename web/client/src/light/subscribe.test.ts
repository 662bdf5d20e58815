import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { GapError } from "../gap.js";
import { frames, refuse, refuseAsServer, stream, streamThen } from "../testing/http-server.js";
import { abort, read, serveEachTest, server, start } from "../testing/light-reader.js";
import { createClient } from "./client.js";

serveEachTest();

const { open, event, ping, end } = frames;

describe("subscribe", () => {
  it("asks as the server wants to be asked", async () => {
    await start(stream(open("c0")));
    read({ expression: "event.subject == '42'", start: "earliest", heartbeatMs: 2500 });
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    const [request] = server.requests;
    expect(Object.fromEntries(request?.url.searchParams ?? [])).toEqual({
      types: "order.*",
      expression: "event.subject == '42'",
      start: "earliest",
      heartbeat: "2500ms",
    });
    expect(request?.url.pathname).toBe("/v1/events/stream");
    expect(request?.headers).toMatchObject({
      authorization: "Bearer k",
      accept: "text/event-stream",
    });
  });

  it("asks for the defaults of fields that are not set", async () => {
    await start(stream(open("c0")));
    read({ defaults: true });
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    expect(server.requests[0]?.url.searchParams.get("payload_format")).toBe("json_defaults");
  });

  it("asks for several filters, each with the types of the subscription unless it has its own", async () => {
    await start(stream(open("c0"), event("c1", {}, { filters: ["big"] })));
    const client = createClient({ url: server.url, tenant: "acme" });
    const events = client.subscribe(["order.*"], {
      signal: abort.signal,
      filters: [
        { name: "big", expression: "event.data.total > 1" },
        { name: "all", types: ["*"] },
      ],
    });
    expect((await events.next()).value).toMatchObject({ id: "evt_c1", filters: ["big"] });
    const query = server.requests[0]?.url.searchParams;
    expect(query?.getAll("filter").map((text) => JSON.parse(text))).toEqual([
      { name: "big", types: ["order.*"], expression: "event.data.total > 1" },
      { name: "all", types: ["*"] },
    ]);
    expect([query?.get("types"), query?.get("tenant")]).toEqual([null, "acme"]);
  });

  it("brings events with their attributes and data", async () => {
    const violations = [{ field: "data.n" }];
    await start(
      stream(open("c0"), event("c1", { n: 1 }, { subject: "42" }), event("c2", {}, { violations })),
    );
    const events = createClient({ url: server.url }).subscribe(["*"], { signal: abort.signal });
    expect((await events.next()).value).toEqual({
      id: "evt_c1",
      type: "order.created",
      source: "postrider",
      subject: "42",
      time: new Date("2026-01-31T09:00:00Z"),
      data: { n: 1 },
      cursor: "c1",
      filters: [],
      isInvalid: false,
    });
    expect(events.cursor).toBe("c1");
    expect((await events.next()).value).toMatchObject({ subject: "", isInvalid: true });
    expect(events.status).toEqual({ state: "live" });
  });

  it.each([
    ["cut", (text: string) => streamThen(text, (response) => response.destroy())],
    [
      "cut in the middle of an event",
      (text: string) =>
        streamThen(`${text}id: c9\ndata: {"id":"ev`, (response) => response.destroy()),
    ],
    ["ended", (text: string) => streamThen(text, (response) => response.end())],
    ["ended with a last word", (text: string) => stream(text, end("unavailable", true))],
    [
      "ended in the middle of an event",
      (text: string) => streamThen(`${text}data: {"id":"half"}\n`, (response) => response.end()),
    ],
    ["broken by garbage", (text: string) => stream(text, "\x00\xff<html>\n\ndata: {garbage\n\n")],
    ["silent", (text: string) => stream(text)],
  ])("goes on where it was when the stream is %s", async (_, broken) => {
    await start(broken(open("c0") + event("c1")), stream(open("c1"), event("c2"), ping("c2h")));
    const { brings, states, ended } = read({ heartbeatMs: 200 });
    await brings("c1", "c2");
    expect(server.parameters("start").slice(0, 2)).toEqual(["now", "c1"]);
    expect(states.slice(0, 3)).toEqual(["live", "connecting", "live"]);
    abort.abort();
    await ended;
  });

  it.each([
    ["502", refuse(502, "<html>Bad Gateway</html>"), "unavailable"],
    ["503", refuse(503), "unavailable"],
    ["500", refuseAsServer(500, "internal", "internal error 1"), "internal"],
    ["429", refuse(429), "unavailable"],
    [
      "a page in place of a stream",
      refuse(200, "<html>", { "Content-Type": "text/html" }),
      "unavailable",
    ],
    ["nothing", refuse(204), "unavailable"],
  ])("tries again after %s", async (_, answer, code) => {
    await start(answer, stream(open("c0"), event("c1")));
    const { brings, retries } = read();
    await brings("c1");
    expect(retries).toEqual([{ code, wait: 0 }]);
    expect(server.parameters("start")).toEqual(["now", "now"]);
  });

  it.each([
    ["a header", 429, "", { "Retry-After": "7" }, 7000],
    [
      "a header with a date",
      503,
      "",
      { "Retry-After": new Date(Date.now() + 3_600_000).toUTCString() },
      60_000,
    ],
    [
      "the detail of an error",
      429,
      {
        code: "resource_exhausted",
        details: [{ debug: { reason: "TOO_MANY_STREAMS" } }, { debug: { retryDelay: "2.500s" } }],
      },
      {},
      2500,
    ],
    ["a header that asks for too much", 503, "", { "Retry-After": "86400" }, 60_000],
  ])("waits as long as %s asks for", async (_, status, body, headers, wait) => {
    await start(refuse(status, body, headers));
    const { retries, subscription, ended } = read();
    await vi.waitFor(() => expect(retries).toHaveLength(1));
    expect(Math.abs((retries[0]?.wait ?? 0) - wait)).toBeLessThan(2000);
    const { retryAt, error } = subscription.status;
    expect(Math.abs((retryAt?.getTime() ?? 0) - Date.now() - wait)).toBeLessThan(2500);
    expect(error?.code).toMatch(/resource_exhausted|unavailable/);
    subscription.close();
    await ended;
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    [400, "invalid_argument"],
    [401, "unauthenticated"],
    [403, "permission_denied"],
    [404, "not_found"],
  ])("throws what trying again cannot help (%d)", async (status, code) => {
    await start(refuseAsServer(status, code));
    const { ended, subscription } = read();
    await expect(ended).rejects.toMatchObject({ name: "PostriderError", code });
    expect(subscription.status).toMatchObject({ state: "ended", error: { code } });
    expect(server.requests).toHaveLength(1);
  });

  it("throws the last word of a stream that shall not be opened again", async () => {
    await start(stream(open("c0"), event("c1"), end("aborted", false, "DISCONNECTED")));
    const { ended, ids } = read();
    await expect(ended).rejects.toMatchObject({ code: "aborted", reason: "DISCONNECTED" });
    expect(ids).toEqual(["evt_c1"]);
  });

  it("names the fields that are wrong", async () => {
    const elements = [{ fieldName: "filters", index: "1" }, { fieldName: "types" }];
    await start(
      refuse(400, {
        code: "invalid_argument",
        message: "no good",
        details: [
          { type: "google.rpc.ErrorInfo", debug: { reason: "INVALID_FIELD", domain: "postrider" } },
          {
            debug: {
              violations: [{ field: { elements }, ruleId: "string.max_len", message: "long" }],
            },
          },
          { debug: { fieldViolations: [{ field: "start", description: "is no cursor" }] } },
        ],
      }),
    );
    await expect(read().ended).rejects.toMatchObject({
      reason: "INVALID_FIELD",
      violations: [
        { field: "filters[1].types", rule: "string.max_len", message: "long" },
        { field: "start", rule: "", message: "is no cursor" },
      ],
    });
  });

  it("counts as offline after three failures, and tries again at once when told to", async () => {
    await start(refuse(503));
    vi.spyOn(Math, "random").mockReturnValue(0.01);
    const { subscription, states } = read();
    await vi.waitFor(() => expect(states.at(-1)).toBe("offline"));
    vi.spyOn(Math, "random").mockReturnValue(0.999);
    await vi.waitFor(() =>
      expect((subscription.status.retryAt?.getTime() ?? 0) - Date.now()).toBeGreaterThan(500),
    );
    const before = server.requests.length;
    subscription.retryNow();
    await vi.waitFor(() => expect(server.requests.length).toBe(before + 1), 300);
  });

  it("tells catching up from live", async () => {
    await start(
      stream(open("c0", { live: false }), event("c1"), ping("c1", true), ping("c2", false)),
    );
    const { states } = read();
    await vi.waitFor(() => expect(states).toEqual(["catching-up", "live", "catching-up"]));
  });

  it("tells of events that are missing, at the beginning and later, and of those left out", async () => {
    const gap = 'data: {"reason":"GAP_REASON_RETENTION","message":"removed"}\n\n';
    const begin = 'event: begin\ndata: {"cursor":"c4"}\n\n';
    await start(
      stream(
        `${begin}event: gap\nid: c4\n${gap}`,
        `event: gap\nid: c6\n${gap}`,
        'event: dropped\nid: c9\ndata: {"events":"3"}\n\n',
        event("c10"),
      ),
    );
    const told: unknown[] = [];
    const { brings, subscription } = read({
      onGap: (missing) => told.push(missing),
      onBegin: (cursor) => told.push(cursor),
      onDropped: (...dropped) => told.push(dropped),
    });
    await brings("c10");
    const missing = { reason: "RETENTION", message: "removed" };
    expect(told).toEqual([
      { ...missing, cursor: "c4" },
      "c4",
      { ...missing, cursor: "c6" },
      [3, "c9"],
    ]);
    expect(subscription.cursor).toBe("c10");
    const { ended } = read();
    await expect(ended).rejects.toThrow(GapError);
  });

  it("hears of a gap again when the connection is lost before it was told", async () => {
    const begin = 'event: open\ndata: {"cursor":"c4"}\n\n';
    await start(
      streamThen(begin, (response) => response.destroy()),
      stream(open("c5"), event("c6")),
    );
    const { brings } = read({ start: "c1" });
    await brings("c6");
    expect(server.parameters("start")).toEqual(["c1", "c1"]);
  });

  it("reads events cut anywhere, with any line ends, of any size", async () => {
    const text =
      open("c0") + event("c1", { text: "naïve 🙂" }) + event("c2", { text: "x".repeat(3_000_000) });
    const bytes = new TextEncoder().encode(text.replaceAll("\n", "\r\n"));
    const small = [...bytes.subarray(0, 600)].map((byte) => new Uint8Array([byte]));
    await start(stream(...small, bytes.subarray(600)));
    const events = createClient<{ "order.created": { text: string } }>({
      url: server.url,
    }).subscribe(["order.created"], { signal: abort.signal });
    expect((await events.next()).value?.data.text).toBe("naïve 🙂");
    expect((await events.next()).value?.data.text).toHaveLength(3_000_000);
  });

  it("does not take a slow reader for silence", async () => {
    await start(stream(open("c0"), event("c1"), event("c2")));
    const events = createClient({ url: server.url }).subscribe(["*"], {
      heartbeatMs: 100,
      signal: abort.signal,
    });
    await events.next();
    await delay(600);
    expect((await events.next()).value?.id).toBe("evt_c2");
    expect(server.requests).toHaveLength(1);
  });
});
