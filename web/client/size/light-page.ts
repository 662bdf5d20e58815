import { createClient } from "@postrider/client/light";
import type { OrderCreatedJson, OrderPaidJson } from "../examples/gen/shop/v1/order_pb.js";

/* The page whose size is measured: it shows two types of events as they come, and publishes one. */

interface ShopEvents {
  "shop.v1.OrderCreated": OrderCreatedJson;
  "shop.v1.OrderPaid": OrderPaidJson;
}

const client = createClient<ShopEvents>({
  url: "https://events.example.com",
  token: async () => (await fetch("/token")).text(),
});

const events = client.subscribe(["shop.v1.OrderCreated", "shop.v1.OrderPaid"], {
  onStatus: ({ state }) => {
    document.title = state;
  },
});
await client.publish("shop.v1.OrderPaid", { orderId: "42" });
for await (const event of events) {
  switch (event.type) {
    case "shop.v1.OrderCreated":
      document.body.append(`${event.data.orderId}: ${event.data.lines?.length ?? 0} lines\n`);
      break;
    case "shop.v1.OrderPaid":
      document.body.append(`${event.data.orderId}: paid ${event.data.amount?.minorUnits}\n`);
      break;
  }
}
