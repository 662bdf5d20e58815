import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OrderCreatedSchema, OrderPaidSchema } from "../examples/gen/shop/v1/order_pb.js";
import { createClient } from "./client.js";
import { draft } from "./draft.js";
import type { Event, PublishBatchRequest, PublishRequest } from "./gen/postrider/v1/event_pb.js";
import { overloaded, refused } from "./testing/detail.js";
import { FakeServer } from "./testing/fake-server.js";
import { order } from "./testing/orders.js";

let server: FakeServer;
const client = () => createClient({ transport: server.transport, tenant: "acme" });
const sent = (n: number) => (server.published[n] as PublishRequest).event as Event;
const unavailable = () => new ConnectError("stopping", Code.Unavailable);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  server = new FakeServer();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("publish", () => {
  it("sends the generated message under its full name, with an id of its own", async () => {
    const ack = await client().publish(OrderCreatedSchema, order(), {
      subject: "42",
      source: "/till/3",
      time: new Date("2026-01-31T09:00:00.125Z"),
    });
    const { id, type, subject, source, time, payload } = sent(0);
    expect({ id, cursor: "c1", duplicate: false }).toEqual(ack);
    expect({ type, subject, source }).toEqual({
      type: "shop.v1.OrderCreated",
      subject: "42",
      source: "/till/3",
    });
    expect(time?.nanos).toBe(125_000_000);
    expect(id).toMatch(/^evt_/);
    expect((server.published[0] as PublishRequest).tenant).toBe("acme");
    if (payload.case !== "protoData") throw new Error("no generated message was sent");
    expect(payload.value.typeUrl).toBe("type.googleapis.com/shop.v1.OrderCreated");
    expect(fromBinary(OrderCreatedSchema, payload.value.value)).toEqual(order());
  });

  it("sends a JSON object under the name of a type without a schema", async () => {
    const ack = await client().publish("order.noted", { total: 5, lines: [] }, { subject: "42" });
    expect(sent(0)).toMatchObject({ id: ack.id, type: "order.noted", subject: "42" });
    expect(sent(0).payload).toEqual({ case: "jsonData", value: '{"total":5,"lines":[]}' });
    await client().publishBatch([draft("order.noted", {})]);
    expect((server.published[1] as PublishBatchRequest).events[0]?.payload.value).toBe("{}");
  });

  it.each([[[]], ["text"], [undefined], [null], [{ n: 1n }]])(
    "refuses %o, which is no JSON object, before anything is sent",
    async (data) => {
      await expect(client().publish("order.noted", data as object)).rejects.toThrow(TypeError);
      expect(server.published).toEqual([]);
    },
  );

  it("takes the id and the type it is given", async () => {
    await client().publish(
      OrderCreatedSchema,
      { orderId: "1" },
      { id: "mine", type: "order.created" },
    );
    expect(sent(0)).toMatchObject({ id: "mine", type: "order.created" });
  });

  it.each([
    ["the server is stopping", unavailable],
    ["the network is gone", () => new TypeError("fetch failed")],
    ["no answer comes in time", () => new ConnectError("late", Code.DeadlineExceeded)],
  ])("tries again with the same id when %s", async (_, failure) => {
    const { transport } = server;
    const failures = [failure(), failure()];
    const flaky: typeof transport = {
      ...transport,
      unary: (...call) => {
        const answer = transport.unary(...call);
        const lost = failures.shift();
        return lost ? answer.then(() => Promise.reject(ConnectError.from(lost))) : answer;
      },
    };
    const ack = createClient({ transport: flaky }).publish(OrderCreatedSchema, order());
    await vi.runAllTimersAsync();
    expect((await ack).id).toBe(sent(0).id);
    expect(server.published.map((_, n) => sent(n).id)).toEqual(Array(3).fill(sent(0).id));
  });

  it("gives up after half a minute and says why", async () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    server.failures.push(...Array.from({ length: 20 }, unavailable));
    const refused = expect(client().publish(OrderCreatedSchema, order())).rejects.toMatchObject({
      name: "PostriderError",
      code: "unavailable",
      message: "stopping",
    });
    await vi.runAllTimersAsync();
    await refused;
    // After 0.2, 0.4, 0.8, 1.6, 3.2 and then 5 s each.
    expect(server.published).toHaveLength(10);
  });

  it.each(["2000-01-01", "2100-01-01"])(
    "gives up after half a minute though the clock is set to %s meanwhile",
    async (date) => {
      vi.spyOn(Math, "random").mockReturnValue(1);
      server.failures.push(...Array.from({ length: 20 }, unavailable));
      const refused = expect(client().publish(OrderCreatedSchema, order())).rejects.toThrow(
        "stopping",
      );
      await vi.advanceTimersByTimeAsync(10_000);
      vi.setSystemTime(date);
      await vi.runAllTimersAsync();
      await refused;
      expect(server.published).toHaveLength(10);
    },
  );

  it.each([Code.InvalidArgument, Code.AlreadyExists, Code.PermissionDenied, Code.Internal])(
    "does not repeat what the server answered (%s)",
    async (code) => {
      server.failures.push(refused("no", code));
      await expect(client().publish(OrderCreatedSchema, order())).rejects.toThrow("no");
      expect(server.published).toHaveLength(1);
    },
  );

  it("waits as long as the server asks", async () => {
    server.failures.push(overloaded(3));
    const ack = client().publish(OrderCreatedSchema, order());
    await vi.advanceTimersByTimeAsync(3499);
    expect(server.published).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2);
    await ack;
    expect(server.published).toHaveLength(2);
  });

  it("stops waiting when it is aborted", async () => {
    server.failures.push(overloaded(10));
    const abort = new AbortController();
    const ack = client().publish(OrderCreatedSchema, order(), { signal: abort.signal });
    const rejected = expect(ack).rejects.toThrow("enough");
    await vi.advanceTimersByTimeAsync(1);
    abort.abort(new Error("enough"));
    await rejected;
    expect(server.published).toHaveLength(1);
  });
});

describe("publishBatch", () => {
  it("sends all events in order, and the same ones again", async () => {
    server.failures.push(unavailable());
    const drafts = [
      draft(OrderCreatedSchema, order()),
      draft(OrderPaidSchema, { orderId: "42" }, { subject: "42" }),
    ];
    const acks = client().publishBatch(drafts);
    await vi.runAllTimersAsync();
    expect((await acks).map(({ id }) => id)).toEqual(drafts.map(({ id }) => id));
    const [first, second] = server.published as PublishBatchRequest[];
    expect(first?.events.map(({ type }) => type)).toEqual([
      "shop.v1.OrderCreated",
      "shop.v1.OrderPaid",
    ]);
    expect(second?.events).toEqual(first?.events);
  });
});
