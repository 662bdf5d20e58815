import { createClient } from "@postrider/client";
import { OrderCreatedSchema, OrderPaidSchema } from "../examples/gen/shop/v1/order_pb.js";

/* The page whose size is measured: it shows two types of events as they come. */

const client = createClient({
  url: "https://events.example.com",
  token: async () => (await fetch("/token")).text(),
});

for await (const event of client.subscribe([OrderCreatedSchema, OrderPaidSchema])) {
  switch (event.$typeName) {
    case "shop.v1.OrderCreated":
      document.body.append(`${event.data.orderId}: ${event.data.lines.length} lines\n`);
      break;
    case "shop.v1.OrderPaid":
      document.body.append(`${event.data.orderId}: paid ${event.data.amount?.minorUnits}\n`);
      break;
  }
}
