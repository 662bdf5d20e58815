// What a web front end would write: publish over gRPC-Web with the generated client. Runs in Node and in a page.
import { fromJson, fromJsonString, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { type EventSchema, EventService } from "#gen/postrider/v1/event_pb";
import { OrderPaidSchema } from "#gen/shop/v1/order_pb";

interface Attributes {
  id: string;
  type: string;
  source: string;
  subject: string;
  time: string;
}

export interface Task {
  url: string;
  key: string;
  // Each data is the text of a JSON object.
  untyped: Attributes & { data: string };
  typed: Attributes & { data: string };
}

// publish answers the ids of the acknowledgements.
export async function publish(task: Task): Promise<string[]> {
  const client = createClient(EventService, createGrpcWebTransport({ baseUrl: task.url }));
  const headers = { Authorization: `Bearer ${task.key}` };
  const message = fromJsonString(OrderPaidSchema, task.typed.data);
  const untyped = await client.publish(
    { event: event(task.untyped, { case: "jsonData", value: task.untyped.data }) },
    { headers },
  );
  const typed = await client.publish(
    { event: event(task.typed, { case: "protoData", value: anyPack(OrderPaidSchema, message) }) },
    { headers },
  );
  return [untyped.id, typed.id];
}

type EventInit = MessageInitShape<typeof EventSchema>;

function event(attributes: Attributes, payload: EventInit["payload"]): EventInit {
  const { id, type, source, subject, time } = attributes;
  return { id, type, source, subject, time: fromJson(TimestampSchema, time), payload };
}
