import { type DescMessage, getOption, hasOption, type MessageShape } from "@bufbuild/protobuf";
import { event } from "./gen/postrider/v1/option_pb.js";

/**
 * Which events are meant: a generated schema, whose event type is named by its `option (postrider.v1.event)` or else is
 * the message's full name; or a schema together with the type it is registered under.
 */
export type EventSource<Schema extends DescMessage = DescMessage> =
  | Schema
  | { readonly schema: Schema; readonly type: string };

/** The schema of a source. */
export type SchemaOf<Source extends EventSource> = Source extends DescMessage
  ? Source
  : Source extends { readonly schema: infer Schema extends DescMessage }
    ? Schema
    : never;

/** The message of a source. */
export type DataOf<Source extends EventSource> = MessageShape<SchemaOf<Source>>;

/** The name of the event type of a source. */
export function eventTypeOf(source: EventSource): string {
  if (!isSchema(source)) return source.type;
  const named = hasOption(source, event) ? getOption(source, event).type : "";
  return named || source.typeName;
}

/** The schema of a source. */
export function schemaOf(source: EventSource): DescMessage {
  return isSchema(source) ? source : source.schema;
}

/** The schemas of sources by their event types. A type that is named twice is refused. */
export function schemasByType(sources: readonly EventSource[]): Map<string, DescMessage> {
  const schemas = new Map<string, DescMessage>();
  for (const source of sources) {
    const type = eventTypeOf(source);
    if (schemas.has(type)) throw new TypeError(`the event type ${type} is named twice`);
    schemas.set(type, schemaOf(source));
  }
  return schemas;
}

function isSchema(source: EventSource): source is DescMessage {
  return "kind" in source;
}
