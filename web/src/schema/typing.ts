import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";

/** The type of a part of an expression, as far as the schemas define it. */
export type Typing =
  | { kind: "event" }
  /** A payload may have any of several schemas. */
  | { kind: "message"; descs: readonly DescMessage[] }
  | { kind: "list" | "map"; of: Typing }
  | { kind: "enum"; desc: DescEnum }
  | { kind: "type" | "text" | "number" | "flag" | "time" | "span" | "bytes" | "unknown" };

export const unknownTyping: Typing = { kind: "unknown" };

/** The attributes of an event, and what they are. */
export const attributes: Record<string, { typing: Typing; about: string }> = {
  data: { typing: unknownTyping, about: "the payload, typed by its schema" },
  type: { typing: { kind: "type" }, about: "string" },
  subject: { typing: { kind: "text" }, about: "string" },
  source: { typing: { kind: "text" }, about: "string" },
  id: { typing: { kind: "text" }, about: "string" },
  time: { typing: { kind: "time" }, about: "timestamp, by the producer" },
  accept_time: { typing: { kind: "time" }, about: "timestamp, by the server" },
};

/** A field of a typing. */
export function memberOf(of: Typing, name: string, roots: readonly DescMessage[]): Typing {
  switch (of.kind) {
    case "event":
      if (name === "data") return { kind: "message", descs: roots };
      return attributes[name === "acceptTime" ? "accept_time" : name]?.typing ?? unknownTyping;
    case "message":
      return merged(of.descs.flatMap((desc) => fieldNamed(desc, name) ?? []).map(fieldTyping));
    case "map":
      return of.of;
    default:
      return unknownTyping;
  }
}

/** The field by its name in the schema or in JSON: both may be used. */
function fieldNamed(desc: DescMessage, name: string): DescField | undefined {
  return desc.fields.find((field) => field.name === name || field.jsonName === name);
}

export function fieldTyping(field: DescField): Typing {
  const element = elementTyping(field);
  if (field.fieldKind === "list") return { kind: "list", of: element };
  return field.fieldKind === "map" ? { kind: "map", of: element } : element;
}

function elementTyping({ message, enum: desc, scalar }: DescField): Typing {
  if (desc) return { kind: "enum", desc };
  if (message) return messageTyping(message);
  return { kind: scalarKinds[scalar ?? ScalarType.STRING] ?? "number" };
}

const scalarKinds: Partial<Record<ScalarType, "text" | "flag" | "bytes">> = {
  [ScalarType.STRING]: "text",
  [ScalarType.BOOL]: "flag",
  [ScalarType.BYTES]: "bytes",
};

function messageTyping(desc: DescMessage): Typing {
  switch (desc.typeName) {
    case "google.protobuf.Timestamp":
      return { kind: "time" };
    case "google.protobuf.Duration":
      return { kind: "span" };
    case "google.protobuf.StringValue":
      return { kind: "text" };
    case "google.protobuf.BoolValue":
      return { kind: "flag" };
    default:
      if (/^google\.protobuf\.U?(Int|Double|Float)\w*Value$/.test(desc.typeName)) {
        return { kind: "number" };
      }
      if (desc.typeName.startsWith("google.protobuf.")) return unknownTyping;
      return { kind: "message", descs: [desc] };
  }
}

/** One typing for a field that several schemas have: the first, and of messages all. */
function merged(typings: Typing[]): Typing {
  const [first = unknownTyping] = typings;
  if (first.kind !== "message") return first;
  const descs = typings.flatMap((typing) => (typing.kind === "message" ? typing.descs : []));
  return { kind: "message", descs: [...new Set(descs)] };
}
