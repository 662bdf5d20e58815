import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type OrderCreated,
  OrderCreatedSchema,
  OrderPaidSchema,
} from "../examples/gen/shop/v1/order_pb.js";
import { createClient } from "./client.js";
import { PostriderError } from "./error.js";
import { GapError } from "./gap.js";
import { GapReason, PayloadFormat } from "./gen/postrider/v1/event_pb.js";
import { type InvalidEvent, InvalidEventError } from "./payload.js";
import type { SubscribeOptions } from "./subscribe.js";
import { refused } from "./testing/detail.js";
import { begin, eventAt, FakeServer, orderAt } from "./testing/fake-server.js";
import { order } from "./testing/orders.js";

let server: FakeServer;
let abort: AbortController;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  abort = new AbortController();
});
afterEach(() => {
  abort.abort();
  vi.useRealTimers();
});

/** Reads in the background what a subscription brings. */
function read(options: SubscribeOptions = {}) {
  const client = createClient({ transport: server.transport });
  const ids: string[] = [];
  const orders: OrderCreated[] = [];
  const events = client.subscribe([OrderCreatedSchema, OrderPaidSchema], {
    signal: abort.signal,
    ...options,
  });
  const ended = (async () => {
    for await (const event of events) {
      ids.push(event.id);
      if (event.$typeName === "shop.v1.OrderCreated") orders.push(event.data);
    }
  })();
  ended.catch(() => {});
  return { ids, orders, ended };
}

const tick = () => vi.advanceTimersByTimeAsync(0);
const starts = () => server.subscribes.map(({ start }) => start);
const gap = { reason: GapReason.RETENTION, message: "removed" };

describe("subscribe", () => {
  it("asks for the types of its schemas, from now on unless it is told otherwise", async () => {
    read({ expression: 'event.subject == "42"' });
    await server.connection(0);
    expect(server.subscribes[0]).toMatchObject({
      types: ["shop.v1.OrderCreated", "shop.v1.OrderPaid"],
      start: "now",
      expression: 'event.subject == "42"',
    });
    expect(server.subscribes[0]?.heartbeatInterval?.seconds).toBe(10n);
  });

  it("brings typed data, exact to the last digit", async () => {
    const { orders, ids } = read();
    const feed = await server.connection(0);
    feed.push(begin("c0"));
    feed.push(orderAt("c1", order()));
    feed.push(
      eventAt("c2", "shop.v1.OrderCreated", {
        case: "jsonData",
        value: '{"ledgerNumber":9007199254740993}',
      }),
    );
    await tick();
    expect(ids).toEqual(["evt_c1", "evt_c2"]);
    expect(orders.map(({ ledgerNumber }) => ledgerNumber)).toEqual([
      9007199254740993n,
      9007199254740993n,
    ]);
    expect(orders[0]).toEqual(order());
  });

  it("goes on where it was after every kind of end, without gap or repeat", async () => {
    const { ids } = read({ start: "earliest" });
    const ends = [Code.Unavailable, undefined, Code.Internal];
    for (const [n, end] of ends.entries()) {
      const feed = await server.connection(n);
      feed.push(begin(`c${n}`));
      feed.push(orderAt(`c${n}e`, order()));
      if (n === 1) feed.push({ cursor: "c1h", message: { case: "heartbeat", value: {} } });
      await tick();
      feed.end(end && new ConnectError("ended", end));
      await vi.advanceTimersByTimeAsync(500);
    }
    await server.connection(3);
    expect(starts()).toEqual(["earliest", "c0e", "c1h", "c2e"]);
    expect(ids).toEqual(["evt_c0e", "evt_c1e", "evt_c2e"]);
  });

  it("resumes from where the stream began, also when nothing came yet", async () => {
    read();
    const feed = await server.connection(0);
    feed.push(begin("c7"));
    await tick();
    feed.end();
    await vi.advanceTimersByTimeAsync(500);
    expect(starts()).toEqual(["now", "c7"]);
  });

  it.each([
    ["there is no network", new TypeError("fetch failed")],
    ["a stream was cut", "missing EndStreamResponse"],
  ])("connects again when %s", async (_, cause) => {
    const lost = [cause, cause];
    const { transport } = server;
    const client = createClient({
      transport: {
        ...transport,
        stream: (...call) => {
          const failure = lost.shift();
          return failure ? Promise.reject(ConnectError.from(failure)) : transport.stream(...call);
        },
      },
    });
    const first = client.subscribe([OrderCreatedSchema], { signal: abort.signal }).next();
    await vi.advanceTimersByTimeAsync(1_500);
    const feed = await server.connection(0);
    feed.push(begin("c0"));
    feed.push(orderAt("c1", order()));
    expect((await first).value).toMatchObject({ id: "evt_c1" });
  });

  it("waits longer and longer, at random, and starts over once a stream stays open", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const waits: number[] = [];
    read({ onRetry: (_, ms) => waits.push(ms) });
    for (let n = 0; n < 7; n++) {
      const feed = await server.connection(n);
      if (n === 6) {
        feed.push(begin("c1"));
        feed.push({ cursor: "c1", message: { case: "heartbeat", value: {} } });
      }
      await tick();
      feed.end(new ConnectError("stopping", Code.Unavailable));
      await vi.advanceTimersByTimeAsync(7_500);
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 7500, 250]);
  });

  it("counts as offline after three failures, and tries again at once when told to", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.999);
    const client = createClient({ transport: server.transport });
    const events = client.subscribe([OrderCreatedSchema], { signal: abort.signal });
    void events.next();
    const states: string[] = [];
    for (let n = 0; n < 3; n++) {
      (await server.connection(n)).end(new ConnectError("stopping", Code.Unavailable));
      await tick();
      states.push(events.status.state);
      if (n < 2) await vi.advanceTimersByTimeAsync(1000 * (n + 1));
    }
    expect(states).toEqual(["connecting", "connecting", "offline"]);
    expect(server.subscribes).toHaveLength(3);
    events.retryNow();
    await tick();
    expect(server.subscribes).toHaveLength(4);
  });

  it("takes silence for death, and a heartbeat for life", async () => {
    const reasons: string[] = [];
    read({ onRetry: ({ message }) => reasons.push(message) });
    const feed = await server.connection(0);
    feed.push(begin("c0"));
    await vi.advanceTimersByTimeAsync(24_999);
    feed.push({ cursor: "c1", message: { case: "heartbeat", value: {} } });
    await vi.advanceTimersByTimeAsync(24_999);
    expect(server.feeds).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(600);
    expect(starts()).toEqual(["now", "c1"]);
    expect(reasons).toEqual(["the stream fell silent"]);
  });

  it("does not take a slow reader for silence", async () => {
    const client = createClient({ transport: server.transport });
    const events = client.subscribe([OrderCreatedSchema], { signal: abort.signal });
    const first = events.next();
    const feed = await server.connection(0);
    feed.push(begin("c0"));
    feed.push(orderAt("c1", order()));
    feed.push(orderAt("c2", order()));
    await first;
    await vi.advanceTimersByTimeAsync(600_000);
    expect((await events.next()).value).toMatchObject({ id: "evt_c2" });
    expect(server.feeds).toHaveLength(1);
  });

  it.each([
    ["while it waits for an event", async () => {}],
    ["while it waits for the next try", async () => (await server.connection(0)).end()],
  ])("ends quietly when it is aborted %s", async (_, before) => {
    const { ended } = read();
    await server.connection(0);
    await before();
    await tick();
    abort.abort();
    await ended;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.feeds).toHaveLength(1);
  });

  it("brings nothing more once it is aborted", async () => {
    const { ids, ended } = read({ onBegin: () => abort.abort() });
    const feed = await server.connection(0);
    feed.push(begin("c0"));
    feed.push(orderAt("c1", order()));
    await ended;
    expect(ids).toEqual([]);
  });

  it("never connects when it is aborted before it began", async () => {
    abort.abort();
    await read().ended;
    expect(server.feeds).toHaveLength(0);
  });

  it("closes the connection when the loop is left", async () => {
    const events = createClient({ transport: server.transport }).subscribe([OrderCreatedSchema]);
    const closed = (async () => {
      for await (const _ of events) break;
    })();
    const feed = await server.connection(0);
    feed.push(begin("c0"));
    feed.push(orderAt("c1", order()));
    await closed;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.feeds).toHaveLength(1);
  });

  it.each([Code.InvalidArgument, Code.PermissionDenied, Code.Unauthenticated, Code.NotFound])(
    "throws what trying again cannot help (%s)",
    async (code) => {
      const { ended } = read();
      (await server.connection(0)).end(refused("no", code));
      await expect(ended).rejects.toThrow(PostriderError);
      await expect(ended).rejects.toMatchObject({ message: "no" });
      expect(server.feeds).toHaveLength(1);
    },
  );

  it("throws what its own callbacks throw", async () => {
    const { ended } = read({
      onBegin: () => {
        throw new TypeError("mine");
      },
    });
    (await server.connection(0)).push(begin("c0"));
    await expect(ended).rejects.toThrow("mine");
  });

  it("refuses to subscribe to nothing, or twice to one type", async () => {
    const client = createClient({ transport: server.transport });
    expect(() => client.subscribe([])).toThrow("at least one");
    expect(() => client.subscribe([OrderPaidSchema, OrderPaidSchema])).toThrow("twice");
  });
});

describe("subscribeRaw", () => {
  it("brings events of any type as they are, and goes on where it was", async () => {
    const client = createClient({ transport: server.transport, tenant: "acme" });
    const texts: unknown[] = [];
    client.subscribeRaw(["order.*"], {
      start: "earliest",
      signal: abort.signal,
      onEvent: ({ type, payload }) => texts.push([type, payload.value]),
    });
    const feed = await server.connection(0);
    feed.push(begin("c0"));
    feed.push(eventAt("c1", "order.paid", { case: "jsonData", value: '{"rate":1.10}' }));
    await tick();
    feed.end();
    await vi.advanceTimersByTimeAsync(1000);
    expect(texts).toEqual([["order.paid", '{"rate":1.10}']]);
    const asked = { tenant: "acme", types: ["order.*"], payloadFormat: PayloadFormat.JSON };
    expect(server.subscribes).toMatchObject([
      { ...asked, start: "earliest" },
      { ...asked, start: "c1" },
    ]);
  });
});

describe("the defaults of fields that are not set", () => {
  it.each([
    [{}, PayloadFormat.JSON],
    [{ defaults: true }, PayloadFormat.JSON_DEFAULTS],
  ])("are asked for by %j", async (options, payloadFormat) => {
    const client = createClient({ transport: server.transport });
    const events = client.subscribeRaw([], { ...options, signal: abort.signal });
    void events.next();
    await server.connection(0);
    expect(server.subscribes).toMatchObject([{ payloadFormat }]);
  });
});

describe("a gap", () => {
  it.each([
    ["at the beginning", { cursor: "c5", message: { case: "begin" as const, value: { gap } } }],
    ["later", { cursor: "c5", message: { case: "gap" as const, value: gap } }],
  ])("is told %s, and the stream goes on after it", async (_, message) => {
    const gaps: unknown[] = [];
    const { ids } = read({ start: "c1", onGap: (told) => gaps.push(told) });
    const feed = await server.connection(0);
    if (message.message.case === "gap") feed.push(begin("c0"));
    feed.push(message);
    feed.push(orderAt("c6", order()));
    await tick();
    expect(gaps).toEqual([{ reason: "RETENTION", message: "removed", cursor: "c5" }]);
    expect(ids).toEqual(["evt_c6"]);
  });

  it("is an error where nobody asked to be told", async () => {
    const { ended } = read({ start: "c1" });
    (await server.connection(0)).push({ cursor: "c5", message: { case: "begin", value: { gap } } });
    await expect(ended).rejects.toThrow(GapError);
    await expect(ended).rejects.toMatchObject({
      code: "data_loss",
      reason: "RETENTION",
      gap: { cursor: "c5" },
    });
  });
});

describe("an event that the schema cannot hold", () => {
  const any = (name: string, value = new Uint8Array([0xff])) => ({
    case: "protoData" as const,
    value: { typeUrl: `type.googleapis.com/${name}`, value },
  });

  it.each([
    [
      "accepted under WARN",
      { case: "invalidData" as const, value: '{"orderId":1}' },
      /cannot hold/,
    ],
    ["of another message", any("shop.v1.Other"), /it is a shop.v1.Other/],
    ["whose bytes are broken", any("shop.v1.OrderCreated"), /./],
    ["whose JSON does not fit", { case: "jsonData" as const, value: '{"orderId":1}' }, /order_id/],
  ])("is told apart: %s", async (_, payload, problem) => {
    const told: InvalidEvent[] = [];
    const { ids } = read({ onInvalid: (event) => told.push(event) });
    const feed = await server.connection(0);
    feed.push(begin("c0"));
    feed.push(eventAt("c1", "shop.v1.OrderCreated", payload));
    feed.push(orderAt("c2", order()));
    await tick();
    expect(told).toEqual([
      expect.objectContaining({ id: "evt_c1", problem: expect.stringMatching(problem) }),
    ]);
    expect(told[0]?.json).toBe(typeof payload.value === "string" ? payload.value : undefined);
    expect(ids).toEqual(["evt_c2"]);
  });

  it("is an error where nobody asked to be told", async () => {
    const { ended } = read();
    const feed = await server.connection(0);
    feed.push(begin("c0"));
    feed.push(eventAt("c1", "shop.v1.OrderPaid", { case: "invalidData", value: "{}" }));
    await expect(ended).rejects.toThrow(InvalidEventError);
    await expect(ended).rejects.toMatchObject({
      event: { id: "evt_c1", cursor: "c1", json: "{}" },
    });
  });
});
