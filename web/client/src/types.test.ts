import { createClient, draft, type TypedEvent, webhookHandler } from "@postrider/client";
import { createClient as createLightClient, type LightEvent } from "@postrider/client/light";
import { describe, expect, expectTypeOf, it } from "vitest";
import { OrderCreatedSchema as FullOrderCreatedSchema, type OrderCreated } from "#shop/order_pb";
import {
  type OrderCreatedJson,
  OrderCreatedSchema,
  type OrderPaidJson,
  OrderPaidSchema,
} from "../examples/gen/shop/v1/order_pb.js";
import { FakeServer } from "./testing/fake-server.js";

/* What the compiler has to refuse. `tsc` checks this file: an expected error that does not come is an error. */

const client = createClient({ transport: new FakeServer().transport });
const secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];

describe("types", () => {
  it("refuse a wrong field of a publish", () => {
    const wrong = [
      // @ts-expect-error: no such field
      () => client.publish(OrderCreatedSchema, { orderNumber: "42" }),
      // @ts-expect-error: a field of another type
      () => client.publish(OrderCreatedSchema, { orderId: 42 }),
      // @ts-expect-error: 64-bit integers are bigint
      () => client.publish(OrderCreatedSchema, { ledgerNumber: 1 }),
      // @ts-expect-error: a wrong field deep inside
      () => client.publish(OrderCreatedSchema, { lines: [{ unitPrice: { amount: 1n } }] }),
      // @ts-expect-error: a message of another type
      () => draft(OrderPaidSchema, {} as OrderCreated),
      // @ts-expect-error: no such option
      () => client.publish(OrderCreatedSchema, {}, { topic: "orders" }),
      // @ts-expect-error: a key and a token
      () => createClient({ url: "http://localhost", key: "k", token: async () => "t" }),
    ];
    expect(wrong).toHaveLength(7);
  });

  it("tell the events of a subscription apart", () => {
    type Event = TypedEvent<typeof OrderCreatedSchema | typeof OrderPaidSchema>;
    const show = (event: Event) => {
      // @ts-expect-error: not every event has it
      void event.data.lines;
      switch (event.$typeName) {
        case "shop.v1.OrderCreated":
          // @ts-expect-error: a field of the other one
          void event.data.amount;
          return event.data.lines.length;
        case "shop.v1.OrderPaid":
          return event.data.amount?.minorUnits;
        default:
          return event satisfies never;
      }
    };
    expectTypeOf(show).returns.toEqualTypeOf<number | bigint | undefined>();
    const events = client.subscribe([OrderCreatedSchema, OrderPaidSchema]);
    expectTypeOf(events).toExtend<AsyncIterableIterator<Event, void, undefined>>();
    // @ts-expect-error: a name is not a schema
    void (() => client.subscribe(["shop.v1.OrderCreated"]));
  });

  it("give handlers of webhooks the message of their schema", () => {
    webhookHandler({ secrets })
      .on(OrderCreatedSchema, (data, event) => {
        expectTypeOf(data.ledgerNumber).toEqualTypeOf<bigint>();
        expectTypeOf(event.id).toEqualTypeOf<string>();
        // @ts-expect-error: no such field
        void data.orderNumber;
      })
      .on({ schema: OrderPaidSchema, type: "order.paid" }, (data) => {
        expectTypeOf(data.orderId).toEqualTypeOf<string>();
      });
  });

  it("are those of any generated code on the same runtime", async () => {
    const server = new FakeServer();
    const ack = await createClient({ transport: server.transport }).publish(
      FullOrderCreatedSchema,
      {
        orderId: "42",
      },
    );
    expect(ack.id).toMatch(/^evt_/);
    // @ts-expect-error: no such field
    void (() => client.publish(FullOrderCreatedSchema, { orderNumber: "42" }));
  });

  it("hold on the light entry point, by the names of the types", () => {
    interface Shop {
      "shop.v1.OrderCreated": OrderCreatedJson;
      "shop.v1.OrderPaid": OrderPaidJson;
      "stock.v1.Counted": { count: number };
    }
    const light = createLightClient<Shop>({ url: "http://localhost" });
    const events = light.subscribe(["shop.v1.*"]);
    type Event = LightEvent<Shop, "shop.v1.OrderCreated" | "shop.v1.OrderPaid">;
    expectTypeOf(events).toExtend<AsyncIterableIterator<Event, void, undefined>>();
    const show = (event: Event) => {
      // @ts-expect-error: not every event has it
      void event.data.lines;
      switch (event.type) {
        case "shop.v1.OrderCreated":
          return event.data.lines?.length;
        case "shop.v1.OrderPaid":
          return event.data.amount?.minorUnits;
        default:
          return event satisfies never;
      }
    };
    expectTypeOf(show).returns.toEqualTypeOf<number | string | undefined>();
    const wrong = [
      // @ts-expect-error: no such type
      () => light.subscribe(["shop.v1.Unknown"]),
      // @ts-expect-error: no such field
      () => light.publish("stock.v1.Counted", { number: 1 }),
      // @ts-expect-error: a field of another type
      () => light.publish("stock.v1.Counted", { count: "1" }),
      // @ts-expect-error: a key and a token
      () => createLightClient({ key: "k", token: () => "t" }),
    ];
    expect(wrong).toHaveLength(4);
    light.subscribe(["stock.v1.Counted"], {
      onEvent: ({ data }) => expectTypeOf(data).toEqualTypeOf<{ count: number }>(),
      signal: AbortSignal.abort(),
    });
    const untyped = createLightClient().subscribe(["order.*"]);
    expectTypeOf(untyped).toExtend<AsyncIterableIterator<{ type: string; data: object }>>();
  });
});
