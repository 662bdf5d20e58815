import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PostriderError } from "../error.js";
import { GapError } from "../gap.js";
import type { LiveStatus } from "../live/status.js";
import type { StreamOptions } from "../live/subscription.js";
import { frames, HttpServer, refuse, stream, streamThen } from "../testing/http-server.js";
import { type ClientOptions, createClient } from "./client.js";

let server: HttpServer;
let abort: AbortController;

beforeEach(() => {
  abort = new AbortController();
  // No wait between tries, unless the server asks for one.
  vi.spyOn(Math, "random").mockReturnValue(0);
});
afterEach(async () => {
  abort.abort();
  await server.stop();
});

const { open, event, ping, end } = frames;

async function start(...answers: Parameters<typeof HttpServer.start>): Promise<void> {
  server = await HttpServer.start(...answers);
}

/** Reads in the background. */
function read(options: StreamOptions = {}, access: Partial<ClientOptions> = {}) {
  const ids: string[] = [];
  const states: string[] = [];
  const retries: { code: string; wait: number }[] = [];
  const client = createClient({ url: server.url, key: "k", ...access } as ClientOptions);
  const subscription = client.subscribe(["order.*"], {
    signal: abort.signal,
    onStatus: ({ state }) => {
      if (state !== states.at(-1)) states.push(state);
    },
    onRetry: ({ code }, wait) => retries.push({ code, wait }),
    ...options,
  });
  const ended = (async () => {
    for await (const { id } of subscription) ids.push(id);
  })();
  ended.catch(() => {});
  const brings = (...wanted: string[]) =>
    vi.waitFor(() => expect(ids).toEqual(wanted.map((cursor) => `evt_${cursor}`)), 10_000);
  return { subscription, ids, states, retries, ended, brings };
}

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
    ["500", refuse(500, { code: "internal", message: "internal error 1" }), "internal"],
    ["429", refuse(429), "resource_exhausted"],
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
    [400, { code: "invalid_argument", message: "types[0]: is no type" }, "invalid_argument"],
    [401, { code: "unauthenticated", message: "there is no key" }, "unauthenticated"],
    [403, "", "permission_denied"],
    [404, "", "not_found"],
  ])("throws what trying again cannot help (%d)", async (status, body, code) => {
    await start(refuse(status, body));
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
          { type: "google.rpc.ErrorInfo", debug: { reason: "INVALID_FIELD" } },
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
    const begin = 'event: open\ndata: {"cursor":"c4"}\n\n';
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

describe("a token", () => {
  const refused = { code: "unauthenticated", message: "it has expired" };

  it("is asked for before each connection, and at once again when it is refused", async () => {
    await start(
      refuse(401, refused),
      stream(open("c0"), event("c1"), end("unauthenticated", false, "")),
      stream(open("c1"), event("c2")),
    );
    const stale: unknown[] = [];
    const token = async (old?: unknown) => `t${stale.push(old)}`;
    vi.spyOn(Math, "random").mockReturnValue(0.1);
    const { brings, retries } = read({}, { key: undefined, token });
    await brings("c1", "c2");
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer t1",
      "Bearer t2",
      "Bearer t3",
    ]);
    // The second refusal in a short time waits: whoever makes tokens may be wrong.
    expect(retries.map(({ wait }) => wait)).toEqual([0, 50]);
    expect(stale).toEqual([undefined, "t1", "t2"]);
  });

  it("that stays refused is asked for again and again, with longer and longer waits", async () => {
    await start(refuse(401, refused));
    vi.spyOn(Math, "random").mockReturnValue(0.02);
    const { retries } = read({}, { key: undefined, token: () => "t" });
    await vi.waitFor(() => expect(retries.length).toBeGreaterThan(4), 5000);
    expect(retries.slice(0, 5).map(({ wait }) => wait)).toEqual([0, 10, 20, 40, 80]);
  });

  it("can be a ticket, which goes into the address", async () => {
    await start(stream(open("c0"), event("c1")));
    const { brings } = read({}, { key: undefined, token: () => ({ ticket: "T/1" }) });
    await brings("c1");
    expect(server.parameters("ticket")).toEqual(["T/1"]);
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });

  it("that cannot be had for now is asked for later", async () => {
    await start(stream(open("c0"), event("c1")));
    let calls = 0;
    const token = async () => {
      if (++calls < 3) throw new TypeError("fetch failed");
      return "t";
    };
    const { brings, retries } = read({}, { key: undefined, token });
    await brings("c1");
    expect(retries.map(({ code }) => code)).toEqual(["unavailable", "unavailable"]);
  });

  it("lets an open stream go on when the ticket is about to end", async () => {
    const soon = (ms: number) => new Date(Date.now() + ms).toISOString();
    const answer: { expireTime: string }[] = [];
    await start(
      stream(open("c0", { stream: "str_1", expireTime: soon(1_200) }), event("c1")),
      (response) => {
        answer.push({ expireTime: soon(1_200) });
        response.end(JSON.stringify(answer[0]));
      },
      refuse(404, { code: "not_found" }),
      stream(open("c1"), event("c2")),
    );
    const stale: unknown[] = [];
    const token = async (old?: unknown) => ({ ticket: `t${stale.push(old)}` });
    const { brings, retries, states } = read({}, { key: undefined, token });
    await brings("c1", "c2");
    // Renewed once; the next renewal is refused, and a new connection takes its place, where the old one was.
    expect(server.requests.map(({ url }) => url.pathname)).toEqual([
      "/v1/events/stream",
      "/postrider.v1.StreamService/RenewStream",
      "/postrider.v1.StreamService/RenewStream",
      "/v1/events/stream",
    ]);
    expect(JSON.parse(server.requests[1]?.body ?? "")).toEqual({
      id: "str_1",
      tenant: "",
      ticket: "t2",
    });
    expect(stale).toEqual([undefined, { ticket: "t1" }, { ticket: "t2" }, undefined]);
    expect(server.parameters("start").at(-1)).toBe("c1");
    expect(retries).toEqual([]);
    expect(states).toEqual(["live", "connecting", "live"]);
  });

  it("is asked for before the stream expires where that names no id", async () => {
    const expireTime = new Date(Date.now() + 4_000).toISOString();
    await start(stream(open("c0", { expireTime }), event("c1")), stream(open("c1"), event("c2")));
    const stale: unknown[] = [];
    const token = async (old?: unknown) => `t${stale.push(old)}`;
    const { brings, retries, states } = read({}, { key: undefined, token });
    await brings("c1", "c2");
    expect(Date.parse(expireTime)).toBeGreaterThan(Date.now());
    expect(stale).toEqual([undefined, "t1"]);
    expect(retries).toEqual([]);
    expect(states).toEqual(["live", "connecting", "live"]);
  });
});

describe("the end", () => {
  it.each([
    ["close", (subscription: ReturnType<typeof read>["subscription"]) => subscription.close()],
    ["the signal", () => abort.abort()],
  ])("by %s is quiet, and leaves nothing open", async (_, stop) => {
    await start(stream(open("c0"), event("c1")));
    const { subscription, brings, ended } = read();
    await brings("c1");
    stop(subscription);
    await ended;
    expect(subscription.status).toEqual({ state: "ended" });
    await vi.waitFor(() => expect(server.open).toBe(0));
  });

  it("comes with the loop's, also while events are waiting", async () => {
    await start(stream(open("c0") + event("c1") + event("c2") + event("c3")));
    const events = createClient({ url: server.url }).subscribe(["*"]);
    for await (const _ of events) break;
    await vi.waitFor(() => expect(server.open).toBe(0));
    expect((await events.next()).done).toBe(true);
  });

  it("never connects when it is aborted before it began", async () => {
    await start(stream(open("c0")));
    abort.abort();
    await read().ended;
    expect(server.requests).toHaveLength(0);
  });

  it("does not wait for a token that never comes", async () => {
    await start(stream(open("c0")));
    const { ended } = read({}, { key: undefined, token: () => new Promise(() => {}) });
    abort.abort();
    await ended;
  });
});

describe("callbacks", () => {
  it("get each event when the one before is done", async () => {
    await start(stream(open("c0"), event("c1") + event("c2")));
    const log: string[] = [];
    const client = createClient({ url: server.url });
    await new Promise<void>((resolve) => {
      client.subscribe(["*"], {
        signal: abort.signal,
        onEvent: async ({ id }) => {
          log.push(`begin ${id}`);
          await delay(20);
          log.push(`end ${id}`);
          if (id === "evt_c2") abort.abort();
        },
        onEnd: (error) => {
          expect(error).toBeUndefined();
          resolve();
        },
      });
    });
    expect(log).toEqual(["begin evt_c1", "end evt_c1", "begin evt_c2", "end evt_c2"]);
  });

  it("are told of the error at the end, and nothing is left unhandled without onEnd", async () => {
    await start(refuse(403));
    const client = createClient({ url: server.url });
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const states: LiveStatus[] = [];
    client.subscribe(["*"], { onEvent: () => {}, onStatus: (status) => states.push(status) });
    const error = await new Promise<unknown>((resolve) => {
      client.subscribe(["*"], { onEvent: () => {}, onEnd: resolve });
    });
    expect((error as PostriderError).code).toBe("permission_denied");
    await vi.waitFor(() => expect(states.at(-1)?.state).toBe("ended"));
    await delay(20);
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it("end the subscription by what they throw", async () => {
    await start(stream(open("c0"), event("c1")));
    const client = createClient({ url: server.url });
    let mine: unknown;
    const subscription = client.subscribe(["*"], {
      onEvent: () => {
        throw new TypeError("mine");
      },
      onEnd: (error) => {
        mine = error;
      },
    });
    await vi.waitFor(() => expect(mine).toBeInstanceOf(TypeError));
    expect(subscription.status).toMatchObject({ state: "ended", error: { message: "mine" } });
    await vi.waitFor(() => expect(server.open).toBe(0));
  });
});
