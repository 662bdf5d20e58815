import { createServer } from "node:http";
import { webhookHandler } from "@postrider/client";
import { OrderCancelledSchema, OrderPaidSchema } from "./gen/shop/v1/order_pb.js";

const handler = webhookHandler({ secrets: [process.env.WEBHOOK_SECRET ?? ""] })
  .on(OrderPaidSchema, (order, event) => {
    console.log(event.id, order.orderId, "is paid:", order.amount?.minorUnits);
  })
  .on(OrderCancelledSchema, async (order, event) => {
    console.log(event.id, order.orderId, "is cancelled:", order.reason);
  })
  .onUnknown((event) => console.log(event.id, "is a", event.type));

createServer(handler.node).listen(Number(process.env.PORT ?? 9900), "127.0.0.1");
