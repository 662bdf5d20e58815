import { createClient } from "@postrider/client/light";
import type { OrderCancelledJson, OrderPaidJson } from "./gen/shop/v1/order_pb.js";

interface ShopEvents {
  "shop.v1.OrderPaid": OrderPaidJson;
  "shop.v1.OrderCancelled": OrderCancelledJson;
}

const client = createClient<ShopEvents>({
  url: process.env.POSTRIDER_URL ?? "http://127.0.0.1:8080",
  key: process.env.POSTRIDER_API_KEY ?? "",
});

const events = client.subscribe(["shop.v1.*"], {
  start: "earliest",
  onStatus: ({ state, error }) => console.log(state, error?.message ?? ""),
});

for await (const event of events) {
  switch (event.type) {
    case "shop.v1.OrderPaid":
      console.log(event.cursor, event.data.orderId, "is paid:", event.data.amount?.minorUnits);
      break;
    case "shop.v1.OrderCancelled":
      console.log(event.cursor, event.data.orderId, "is cancelled:", event.data.reason);
      break;
  }
}
