import { createClient, signWebhook, webhookHandler } from "@postrider/client";
import { OrderCreatedSchema, OrderPaidSchema } from "../examples/gen/shop/v1/order_pb.js";
import { order } from "../src/testing/orders.js";

/* What the browser test calls in a page. */

/** Publishes an order, reads it back from a stream and answers what it was. */
export async function roundTrip(url: string, key: string) {
  const client = createClient({ url, token: async () => key });
  const ack = await client.publish(OrderCreatedSchema, order());
  const sources = [OrderPaidSchema, OrderCreatedSchema];
  for await (const event of client.subscribe(sources, { start: "earliest" })) {
    if (event.$typeName !== "shop.v1.OrderCreated") continue;
    return { same: event.id === ack.id, ledgerNumber: String(event.data.ledgerNumber) };
  }
  throw new Error("the stream ended");
}

/** Answers the status of a webhook that was signed here, and of one that was not. */
export async function receive(secret: string): Promise<number[]> {
  const handler = webhookHandler({ secrets: [secret] });
  const body = '{"id":"evt_1","type":"order.noted","timestamp":"2026-01-31T09:00:00Z","data":{}}';
  const now = new Date();
  const signature = await signWebhook(secret, "evt_1", now, body);
  const send = async (signed: string) => {
    const headers = {
      "webhook-id": "evt_1",
      "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
      "webhook-signature": signed,
    };
    const request = new Request("/hook", { method: "POST", headers, body });
    return (await handler.fetch(request)).status;
  };
  return [await send(signature), await send("v1,AAAA")];
}
