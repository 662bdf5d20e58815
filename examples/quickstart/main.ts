import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { EventService } from "#gen/postrider/v1/event_pb";

const transport = createConnectTransport({ baseUrl: "http://127.0.0.1:8080" });
const events = createClient(EventService, transport);
const headers = { Authorization: `Bearer ${process.env.POSTRIDER_API_KEY}` };

await events.publish(
  { event: { type: "order.created", payload: { case: "data", value: { orderId: "42", total: 1999 } } } },
  { headers },
);

for await (const { cursor, message } of events.subscribe({ types: ["order.*"], start: "earliest" }, { headers })) {
  if (message.case === "event") console.log(cursor, message.value.type, message.value.payload.value);
}
