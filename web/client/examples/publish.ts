import { createClient, PostriderError } from "@postrider/client";
import { OrderCancelledSchema } from "./gen/shop/v1/order_pb.js";

const client = createClient({
  url: process.env.POSTRIDER_URL ?? "http://127.0.0.1:8080",
  key: process.env.POSTRIDER_API_KEY ?? "",
});

try {
  const ack = await client.publish(
    OrderCancelledSchema,
    {
      orderId: "42",
      reason: "changed my mind",
      refund: { currency: "EUR", minorUnits: 1999n },
      cancelTime: { seconds: BigInt(Math.floor(Date.now() / 1000)) },
    },
    { subject: "42" },
  );
  console.log("stored as", ack.id);
} catch (error) {
  if (!(error instanceof PostriderError)) throw error;
  console.error(error.code, error.reason, error.message);
  for (const { field, message } of error.violations) console.error(field, message);
}
