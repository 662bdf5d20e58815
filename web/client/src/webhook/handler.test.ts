import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type OrderCreated,
  OrderCreatedSchema,
  OrderPaidSchema,
} from "../../examples/gen/shop/v1/order_pb.js";
import type { WebhookEvent } from "./document.js";
import { WebhookHandler, webhookHandler } from "./handler.js";

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const document = (type: string, data: string) =>
  `{"id":"evt_1","type":"${type}","timestamp":"2026-01-31T09:00:00.123456789Z","data":${data}}`;
const created = (data: string) => document("shop.v1.OrderCreated", data);

/** A request as the reference library signs it. */
function request(body: string, changes: RequestInit = {}): Request {
  const now = new Date();
  return new Request("http://receiver/hook", {
    method: "POST",
    headers: {
      "webhook-id": "evt_1",
      "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
      "webhook-signature": new Webhook(secret).sign("evt_1", now, body),
    },
    body,
    ...changes,
  });
}

function receiver(options: { maxBytes?: number } = {}) {
  const orders: [OrderCreated, WebhookEvent][] = [];
  const errors: unknown[] = [];
  const handler = webhookHandler({
    secrets: [secret],
    onError: (error) => errors.push(error),
    ...options,
  }).on(OrderCreatedSchema, (data, event) => {
    if (data.orderId === "bad") throw new Error("database password is hunter2");
    orders.push([data, event]);
  });
  return { handler, orders, errors };
}

afterEach(() => {
  vi.useRealTimers();
});

describe("fetch", () => {
  it("passes typed data to the function of its type", async () => {
    const { handler, orders } = receiver();
    const body = created(
      '{"orderId":"42","ledgerNumber":9007199254740993,"total":{"minorUnits":"1999"},"newer":1}',
    );
    const response = await handler.fetch(request(body));
    expect(response.status).toBe(204);
    const [data, event] = orders[0] ?? [];
    expect(data).toMatchObject({ orderId: "42", ledgerNumber: 9007199254740993n });
    expect(data?.total?.minorUnits).toBe(1999n);
    expect(event).toEqual({
      id: "evt_1",
      type: "shop.v1.OrderCreated",
      time: new Date("2026-01-31T09:00:00.123Z"),
      body,
    });
  });

  it("answers only when the function has ended", async () => {
    let finish = () => {};
    const handler = webhookHandler({ secrets: [secret] });
    const entered = new Promise<void>((enter) => {
      handler.on(OrderPaidSchema, () => {
        enter();
        return new Promise<void>((resolve) => {
          finish = resolve;
        });
      });
    });
    const steps: string[] = [];
    const response = handler.fetch(request(document("shop.v1.OrderPaid", "{}")));
    response.then(() => steps.push("answered"));
    await entered;
    steps.push("ending");
    finish();
    expect((await response).status).toBe(204);
    expect(steps).toEqual(["ending", "answered"]);
  });

  it("accepts types it does not know, and passes them on when told to", async () => {
    const { handler } = receiver();
    const body = document("order.noted", '{"n":1}');
    expect((await handler.fetch(request(body))).status).toBe(204);
    const seen: string[] = [];
    handler.onUnknown(({ type, body }) => {
      seen.push(type, JSON.parse(body).data.n);
    });
    expect((await handler.fetch(request(body))).status).toBe(204);
    expect(seen).toEqual(["order.noted", 1]);
  });

  it.each([
    ["an unsigned body", () => request(created("{}"), { headers: {} }), 401, "missing"],
    [
      "another body than the signed one",
      () => request(created("{}"), { body: created('{"orderId":"1"}') }),
      401,
      "no signature",
    ],
    ["what is not a POST", () => new Request("http://receiver/hook"), 405, "POST"],
    ["a body that is not JSON", () => request("{"), 400, "JSON"],
    [
      "a body without data",
      () => request('{"id":"1","type":"t","timestamp":""}'),
      400,
      "data is not",
    ],
    ["a body without a type", () => request('{"id":"1","data":{}}'), 400, "type is not"],
    ["a list", () => request("[]"), 400, "not a JSON object"],
    ["data of another form", () => request(created('{"orderId":42}')), 422, "order_id"],
    [
      "an integer that would be rounded",
      () => request(created('{"ledgerNumber":9007199254740993.5}')),
      422,
      "ledger_number",
    ],
    [
      "a body over the limit",
      () => request(created(`{"note":"${"x".repeat(1000)}"}`)),
      413,
      "1000 bytes",
    ],
  ])("refuses %s", async (_, make, status, text) => {
    const { handler, orders, errors } = receiver({ maxBytes: 1000 });
    const response = await handler.fetch(make());
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(text);
    expect(orders).toEqual([]);
    expect(errors).toHaveLength(status === 422 ? 1 : 0);
  });

  it("asks for another attempt when the function throws, and keeps the cause to itself", async () => {
    const { handler, errors } = receiver();
    const response = await handler.fetch(request(created('{"orderId":"bad"}')));
    expect(response.status).toBe(500);
    expect(await response.text()).toBe("the handler failed");
    expect(errors).toEqual([new Error("database password is hunter2")]);
  });

  it("says on the console what nobody else is told", async () => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    const handler = webhookHandler({ secrets: [secret] }).on(OrderCreatedSchema, () =>
      Promise.reject(new Error("no")),
    );
    expect((await handler.fetch(request(created("{}")))).status).toBe(500);
    expect(log).toHaveBeenCalledWith("event evt_1 of type shop.v1.OrderCreated:", new Error("no"));
  });

  it("refuses an old request", async () => {
    const { handler } = receiver();
    const old = request(created("{}"));
    vi.useFakeTimers({ now: Date.now() + 301_000, toFake: ["Date"] });
    expect((await handler.fetch(old)).status).toBe(401);
  });
});

describe("node", () => {
  it("answers requests of node:http", async () => {
    const { handler, orders } = receiver({ maxBytes: 1_000_000 });
    const server = createServer(handler.node).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const send = (make: Request) =>
      fetch(url, {
        method: make.method,
        headers: make.headers,
        body: make.body,
        duplex: "half",
      } as RequestInit);
    const note = "ü".repeat(200_000);
    expect((await send(request(created(JSON.stringify({ note }))))).status).toBe(204);
    expect(orders[0]?.[0].note).toBe(note);
    expect((await send(request(created("{}"), { headers: {} }))).status).toBe(401);
    expect((await fetch(url)).status).toBe(405);
    server.closeAllConnections();
    server.close();
  });

  it("says when a body parser was there before", async () => {
    const { handler } = receiver();
    const reply: unknown[] = [];
    const response = {
      writeHead: (status: number) => reply.push(status),
      end: (text: string) => reply.push(text),
    };
    const read = {
      method: "POST",
      headers: {},
      readableEnded: true,
      async *[Symbol.asyncIterator]() {},
    };
    await handler.node(read, response);
    expect(reply).toEqual([500, expect.stringContaining("was read before")]);
  });
});

// Regression (issue 8, 22): a body that was read before is the program's fault; 400 blamed the event.
describe("a body that was read before is answered by 500 with a hint", () => {
  const hint = /mount the handler before any body parser/;

  it.each([
    ["read", (asked: Request) => asked.text()],
    ["being read", (asked: Request) => asked.body?.getReader().read()],
    ["locked", (asked: Request) => void asked.body?.getReader()],
  ])("%s, by the Fetch API", async (_, spoil) => {
    const asked = request(created("{}"));
    await spoil(asked);
    const response = await receiver().handler.fetch(asked);
    expect([response.status, await response.text()]).toEqual([500, expect.stringMatching(hint)]);
  });

  it.each<[string, (asked: IncomingMessage) => unknown]>([
    ["read to its end", (asked) => text(asked)],
    ["read in part", (asked) => once(asked, "data")],
    ["destroyed", (asked) => asked.destroy()],
  ])("%s, by node:http", async (_, spoil) => {
    const { handler, orders } = receiver();
    const replies: [number, string][] = [];
    const server = createServer(async (asked, response) => {
      await spoil(asked);
      const writeHead = (status: number) => replies.push([status, ""]);
      await handler.node(asked, { writeHead, end: (told) => replies.push([0, told]) });
      response.end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const sent = request(created("{}"));
    const { headers } = sent;
    const body = await sent.text();
    await fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers, body }).catch(() => {});
    server.close();
    expect(replies).toEqual([
      [500, ""],
      [0, expect.stringMatching(hint)],
    ]);
    expect(orders).toEqual([]);
  });
});

describe("a handler of errors", () => {
  it("may throw, and the webhook is answered", async () => {
    const told = vi.spyOn(console, "error").mockImplementation(() => {});
    const handler = webhookHandler({
      secrets: [secret],
      onError: () => {
        throw new Error("mine");
      },
    }).on(OrderCreatedSchema, () => {
      throw new Error("first");
    });
    expect((await handler.fetch(request(created("{}")))).status).toBe(500);
    expect(told).toHaveBeenCalledOnce();
    told.mockRestore();
  });

  it("may have answered itself", async () => {
    const { handler } = receiver();
    const writeHead = vi.fn();
    const asked = { method: "GET", headers: {}, async *[Symbol.asyncIterator]() {} };
    await handler.node(asked, { headersSent: true, writeHead, end: vi.fn() });
    expect(writeHead).not.toHaveBeenCalled();
  });
});

describe("WebhookHandler", () => {
  it("has one function a type", () => {
    const { handler } = receiver();
    expect(() => handler.on(OrderCreatedSchema, () => {})).toThrow(
      "shop.v1.OrderCreated has a handler",
    );
    expect(handler).toBeInstanceOf(WebhookHandler);
  });
});
