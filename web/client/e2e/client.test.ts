import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { create } from "@bufbuild/protobuf";
import { createClient, draft, newEventId, PostriderError, webhookHandler } from "@postrider/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Postrider } from "../../e2e/postrider";
import {
  CardPaymentSchema,
  type OrderCreated,
  OrderCreatedSchema,
  OrderPaidSchema,
} from "../examples/gen/shop/v1/order_pb.js";
import { order } from "../src/testing/orders.js";
import { startServer } from "./server";

let server: Postrider;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.remove());

const client = () => createClient({ url: server.url, token: async () => server.adminKey });

const paid = (orderId: string) => ({
  orderId,
  amount: { currency: "EUR", minorUnits: 1998n },
  method: {
    case: "card" as const,
    value: create(CardPaymentSchema, { brand: "visa", lastFour: "4242" }),
  },
  payTime: { seconds: 1769850000n },
});

describe("publish", () => {
  it("stores an event once, however often it is published", async () => {
    const id = newEventId();
    const first = await client().publish(OrderCreatedSchema, order(), { id, subject: "42" });
    expect(first).toEqual({ id, cursor: expect.stringMatching(/./), duplicate: false });
    const second = await client().publish(OrderCreatedSchema, order(), { id, subject: "42" });
    expect(second).toEqual({ ...first, duplicate: true });
    const other = client().publish(OrderPaidSchema, paid("42"), { id });
    await expect(other).rejects.toMatchObject({
      code: "already_exists",
      reason: "EVENT_ID_CONFLICT",
    });
  });

  it("names every field that breaks a rule, in a batch with the index", async () => {
    const wrong = order();
    wrong.orderId = "";
    for (const line of wrong.lines) line.sku = "lower";
    const refused = client().publishBatch([
      draft(OrderCreatedSchema, order()),
      draft(OrderCreatedSchema, wrong),
    ]);
    const error = await refused.then(
      () => undefined,
      (cause: unknown) => cause,
    );
    if (!(error instanceof PostriderError)) throw new Error("it was not refused");
    expect(error).toMatchObject({ code: "invalid_argument", reason: "SCHEMA_VIOLATION" });
    const fields = error.violations.map(({ field }) => field);
    expect(fields.find((field) => /\[1\].*data.*order_?id/i.test(field))).toBeDefined();
    expect(fields.find((field) => /\[1\].*lines\[0\]\.sku/.test(field))).toBeDefined();
    expect(error.violations.map(({ rule }) => rule)).toContain("string.min_len");
  });

  it("says that a key is wrong", async () => {
    const stranger = createClient({ url: server.url, key: "not-a-key-of-this-server" });
    const refused = stranger.publish(OrderCreatedSchema, order());
    await expect(refused).rejects.toMatchObject({
      code: "unauthenticated",
      reason: "UNAUTHENTICATED",
    });
    const stream = stranger.subscribe([OrderCreatedSchema]).next();
    await expect(stream).rejects.toMatchObject({ code: "unauthenticated" });
  });
});

describe("subscribe", () => {
  it("brings both types in order, and goes on after the server was killed", {
    timeout: 60_000,
  }, async () => {
    const abort = new AbortController();
    const { cursor } = await client().publish(OrderPaidSchema, paid("before"));
    const events = client().subscribe([OrderCreatedSchema, OrderPaidSchema], {
      start: cursor,
      signal: abort.signal,
    });
    const seen: string[] = [];
    const wanted: string[] = [];
    const read = async (count: number) => {
      while (seen.length < count) {
        const { value } = await events.next();
        if (!value) throw new Error("the stream ended");
        seen.push(`${value.$typeName} ${value.data.orderId}`);
        if (value.$typeName === "shop.v1.OrderCreated") {
          expect(value.data.ledgerNumber).toBe(9007199254740993n);
        }
      }
    };
    const publish = async (n: number) => {
      await client().publish(OrderCreatedSchema, { ...order(), orderId: `o${n}` });
      await client().publish(OrderPaidSchema, paid(`o${n}`));
      wanted.push(`shop.v1.OrderCreated o${n}`, `shop.v1.OrderPaid o${n}`);
    };
    await publish(1);
    await read(2);
    await server.down("SIGKILL");
    const more = read(6);
    await server.up();
    await publish(2);
    await publish(3);
    await more;
    expect(seen).toEqual(wanted);
    abort.abort();
    expect((await events.next()).done).toBe(true);
  });

  it("repeats a publish until the server is back", { timeout: 60_000 }, async () => {
    await server.down("SIGKILL");
    const ack = client().publish(OrderPaidSchema, paid("late"));
    await server.up();
    expect((await ack).duplicate).toBe(false);
  });
});

describe("webhookHandler", () => {
  it("receives what was published, typed and verified", async () => {
    let received: (order: OrderCreated) => void = () => {};
    const arrival = new Promise<OrderCreated>((resolve) => {
      received = resolve;
    });
    const secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];
    let { node } = webhookHandler({ secrets });
    const http = createServer((request, response) => node(request, response)).listen(
      0,
      "127.0.0.1",
    );
    await once(http, "listening");
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/hook`;
    const filter = { types: ["shop.v1.OrderCreated"] };
    const { subscription } = await server.subscribe("receiver", url, { filter });
    const { secret } = await server.call<{ secret: string }>(
      "SubscriptionService/RevealSubscriptionSecret",
      { id: subscription.id },
    );
    ({ node } = webhookHandler({ secrets: [...secrets, secret] }).on(OrderCreatedSchema, received));
    await client().publish(OrderCreatedSchema, order());
    expect(await arrival).toEqual(order());
    http.closeAllConnections();
    http.close();
  });
});
