import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { newEventId } from "./event-id.js";
import { eventTypeOf } from "./event-type.js";
import { type Event, EventSchema } from "./gen/postrider/v1/event_pb.js";

/** The attributes that a producer can set, besides the data. */
export interface EventOptions {
  /** Unique in the tenant; default: a new time-sortable id. Publishing the same id again is harmless. */
  id?: string | undefined;
  /** What the event is about, for example an order id; default: the field that the message's option names. */
  subject?: string | undefined;
  /** Where the event happened, a URI reference; default: "postrider". */
  source?: string | undefined;
  /** When the event happened; default: the time of receipt. */
  time?: Date | Timestamp | undefined;
  /** The event type, if the message is registered under another name. */
  type?: string | undefined;
}

/** An event with an id, ready to be published: however often it is published, it is stored once. */
export interface Draft {
  readonly id: string;
  readonly event: Event;
}

/** The attributes of an event without generated code, whose type is given by its name. */
export type UntypedEventOptions = Omit<EventOptions, "type">;

/** Creates an event from a JSON object, for a type without a schema or without generated code. */
export function draft(type: string, data: object, options?: UntypedEventOptions): Draft;
/** Creates an event from a message, for `publishBatch`. */
export function draft<Schema extends DescMessage>(
  schema: Schema,
  data: MessageInitShape<Schema>,
  options?: EventOptions,
): Draft;
export function draft(
  source: DescMessage | string,
  data: MessageInitShape<DescMessage> | object,
  options: EventOptions = {},
): Draft {
  const id = options.id ?? newEventId();
  const event = create(EventSchema, {
    id,
    type: typeof source === "string" ? source : (options.type ?? eventTypeOf(source)),
    source: options.source ?? "",
    subject: options.subject ?? "",
    payload:
      typeof source === "string"
        ? { case: "jsonData", value: textOf(data) }
        : { case: "protoData", value: anyOf(source, data as MessageInitShape<DescMessage>) },
  });
  if (options.time) {
    event.time = options.time instanceof Date ? timestampFromDate(options.time) : options.time;
  }
  return { id, event };
}

function anyOf(schema: DescMessage, data: MessageInitShape<DescMessage>) {
  const typeUrl = `type.googleapis.com/${schema.typeName}`;
  return { typeUrl, value: toBinary(schema, create(schema, data)) };
}

/** The text of a JSON object. What is none would be refused by the server. */
function textOf(data: object): string {
  const text = JSON.stringify(data);
  if (!text?.startsWith("{")) throw new TypeError("the data of an event is a JSON object");
  return text;
}
