// The shop's invoicing: it receives orders and payments as signed webhooks.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { webhookHandler } from "@postrider/client";
import { type OrderCreated, OrderCreatedSchema, OrderPaidSchema } from "#gen/shop/v1/order_pb";
import { inWords } from "../money";

const handler = webhookHandler({ secrets: [process.env.WEBHOOK_SECRET ?? ""] })
  .on(OrderCreatedSchema, (order, event) => {
    console.log(`order ${order.orderId} is invoiced over ${invoice(order)} (${event.id})`);
  })
  .on(OrderPaidSchema, (order) => {
    console.log(`order ${order.orderId} is paid by ${order.method.case ?? "nothing"}`);
  });

function invoice({ total, ledgerNumber }: OrderCreated): string {
  if (!total) throw new Error("an order without a total");
  return `${inWords(total)} as ${ledgerNumber}`;
}

const server = createServer(handler.node);
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  console.log(`listening on http://127.0.0.1:${port}/`);
});
process.on("SIGTERM", () => process.exit(0));
