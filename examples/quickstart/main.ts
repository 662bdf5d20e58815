import { createClient } from "@postrider/client";
import { OrderCancelledSchema, OrderPaidSchema } from "#gen/shop/v1/order_pb";

const postrider = createClient({
  url: "http://127.0.0.1:8080",
  key: process.env.POSTRIDER_API_KEY ?? "",
});

const ack = await postrider.publish(OrderCancelledSchema, {
  orderId: "43",
  reason: "changed my mind",
  cancelTime: { seconds: BigInt(Math.floor(Date.now() / 1000)) },
});
console.log("stored as", ack.id);

for await (const event of postrider.subscribe([OrderPaidSchema, OrderCancelledSchema], {
  start: "earliest",
})) {
  if (event.$typeName === "shop.v1.OrderPaid")
    console.log(event.data.orderId, "is paid by", event.data.method.case);
  else console.log(event.data.orderId, "is cancelled:", event.data.reason);
  if (event.id === ack.id) break;
}
