import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { PostriderError } from "./error.js";
import type { FieldViolation } from "./error-detail.js";
import type { Event } from "./gen/postrider/v1/event_pb.js";
import { messageFromJson, parseJson } from "./json.js";

/** The attributes of every event, besides its data. */
export interface EventAttributes {
  /** Unique in the tenant. */
  readonly id: string;
  /** The event type's name. */
  readonly type: string;
  readonly source: string;
  readonly subject: string;
  /** When the event happened, by the producer's clock, to the millisecond. */
  readonly time: Date;
  /** The event's position in the log: a `start` that resumes after it. */
  readonly cursor: string;
}

/**
 * An event that does not fit the schema: it was accepted while the schema was not enforced, or belongs to another
 * schema.
 */
export interface InvalidEvent extends EventAttributes {
  /** The reason, for a person. */
  readonly problem: string;
  /** The stored payload, if it is JSON. */
  readonly json: string | undefined;
  /** Its violations, if it was accepted at the level WARN. */
  readonly violations: readonly FieldViolation[];
}

/** Thrown by a subscription without `onInvalid` for an event that does not fit its schema. */
export class InvalidEventError extends PostriderError {
  override name = "InvalidEventError";
  readonly event: InvalidEvent;

  constructor(event: InvalidEvent) {
    super("data_loss", `event ${event.id} of type ${event.type} is invalid: ${event.problem}`, {
      reason: "SCHEMA_VIOLATION",
      violations: [...event.violations],
    });
    this.event = event;
  }
}

/** The event's own attributes. */
export function attributesOf(event: Event): EventAttributes {
  const { id, type, source, subject, cursor } = event;
  return { id, type, source, subject, time: dateOf(event.time), cursor };
}

function dateOf(time: Timestamp | undefined): Date {
  return time ? timestampDate(time) : new Date(Number.NaN);
}

/** The event's payload as a message of the schema, or the reason why it is none. */
export function readPayload<Schema extends DescMessage>(
  schema: Schema,
  event: Event,
): MessageShape<Schema> | InvalidEvent {
  try {
    return decode(schema, event);
  } catch (cause) {
    return {
      ...attributesOf(event),
      problem: cause instanceof Error ? cause.message : String(cause),
      json: jsonOf(event),
      violations: event.violations,
    };
  }
}

/** Reports which of the two readPayload returned: a message has a type name. */
export function isInvalid(payload: object): payload is InvalidEvent {
  return !("$typeName" in payload);
}

function decode<Schema extends DescMessage>(schema: Schema, { payload, violations }: Event) {
  switch (payload.case) {
    case "protoData": {
      const { typeUrl, value } = payload.value;
      const message = typeUrl.split("/").pop();
      if (message !== schema.typeName)
        throw new TypeError(`it is a ${message}, not a ${schema.typeName}`);
      return fromBinary(schema, value);
    }
    case "jsonData":
      return messageFromJson(schema, parseJson(payload.value));
    case "invalidData":
      throw new TypeError(violations[0]?.message || "its schema cannot hold it");
    default:
      return fromBinary(schema, new Uint8Array());
  }
}

function jsonOf({ payload }: Event): string | undefined {
  return payload.case === "jsonData" || payload.case === "invalidData" ? payload.value : undefined;
}
