import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type ParsedJson, parseJson } from "../json.js";

/** An event as a webhook carries it. */
export interface WebhookEvent {
  /** The same on every attempt and replay: the key to recognise a repeat by. */
  readonly id: string;
  /** The event type's name. */
  readonly type: string;
  /** When it happened, by the producer's clock, to the millisecond. */
  readonly time: Date;
  /** The text of the whole body, `{"id","type","timestamp","data"}`. */
  readonly body: string;
}

/** Reads a webhook's body: the event, and its data for the schema of its type. */
export function readDocument(bytes: Uint8Array): [WebhookEvent, ParsedJson] {
  const body = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  const { value, marked } = parseJson(body);
  if (!isObject(value)) throw new TypeError("the body is not a JSON object");
  const event = {
    id: textAt(value, "id"),
    type: textAt(value, "type"),
    time: new Date(textAt(value, "timestamp")),
    body,
  };
  if (!isObject(value.data)) throw new TypeError("data is not a JSON object");
  return [event, { value: value.data, marked }];
}

function textAt(document: JsonObject, name: string): string {
  const value = document[name];
  if (typeof value !== "string") throw new TypeError(`${name} is not a string`);
  return value;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
