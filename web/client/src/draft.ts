import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { newEventId } from "./event-id.js";
import { eventTypeOf } from "./event-type.js";
import { type Event, EventSchema } from "./gen/postrider/v1/event_pb.js";

/** What a producer may say about an event, beside its data. */
export interface EventOptions {
  /** Unique in the tenant; a time-sortable one is made when absent. Publishing the same id again is harmless. */
  id?: string | undefined;
  /** What it is about, for example an order id. The field that the message's option names, when absent. */
  subject?: string | undefined;
  /** Where it happened, a URI reference. "postrider" when absent. */
  source?: string | undefined;
  /** When it happened. The time of receipt when absent. */
  time?: Date | Timestamp | undefined;
  /** The event type, when the message is registered under another name than its own. */
  type?: string | undefined;
}

/** An event that is ready to be published, with its id: however often it is published, it is stored once. */
export interface Draft {
  readonly id: string;
  readonly event: Event;
}

/** Makes an event of a message, for `publishBatch`. */
export function draft<Schema extends DescMessage>(
  schema: Schema,
  data: MessageInitShape<Schema>,
  options: EventOptions = {},
): Draft {
  const id = options.id ?? newEventId();
  const message = create(schema, data);
  const event = create(EventSchema, {
    id,
    type: options.type ?? eventTypeOf(schema),
    source: options.source ?? "",
    subject: options.subject ?? "",
    payload: {
      case: "protoData",
      value: {
        typeUrl: `type.googleapis.com/${schema.typeName}`,
        value: toBinary(schema, message),
      },
    },
  });
  if (options.time) {
    event.time = options.time instanceof Date ? timestampFromDate(options.time) : options.time;
  }
  return { id, event };
}
