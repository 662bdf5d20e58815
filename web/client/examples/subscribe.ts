import { createClient } from "@postrider/client";
import { OrderCancelledSchema, OrderPaidSchema } from "./gen/shop/v1/order_pb.js";

const client = createClient({
  url: process.env.POSTRIDER_URL ?? "http://127.0.0.1:8080",
  key: process.env.POSTRIDER_API_KEY ?? "",
});

for await (const event of client.subscribe([OrderPaidSchema, OrderCancelledSchema], {
  start: "earliest",
})) {
  switch (event.$typeName) {
    case "shop.v1.OrderPaid":
      console.log(event.cursor, event.data.orderId, "is paid by", event.data.method.case);
      break;
    case "shop.v1.OrderCancelled":
      console.log(event.cursor, event.data.orderId, "is cancelled:", event.data.reason);
      break;
  }
}
