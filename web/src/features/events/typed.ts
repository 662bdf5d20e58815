import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { enumLabel, enumValue } from "@/schema/label";
import { type Child, isContainer, type Node } from "@/ui/json/tree";
import { span } from "./span";

/** A value of a payload as people read it. */
export type TypedValue =
  /** `raw` is what the payload has, where that is something else. */
  | { kind: "text"; text: string; raw?: string }
  | { kind: "instant"; time: Date; raw: string }
  | { kind: "fields"; fields: TypedField[] }
  | { kind: "items"; items: TypedField[] }
  /** What the schema does not say more of: the node as it is. */
  | { kind: "json"; node: Node };

export interface TypedField {
  /** The field's name in the schema, a map's key, or a list's index. */
  name: string;
  /** Where it is, as violations name it: by the names in JSON, data.lines[0].unitPrice. */
  path: string;
  /** Its type in the schema; empty where it has none. */
  type: string;
  /** The schema has no such field. */
  isUnknown: boolean;
  value: TypedValue;
}

/** Reads the members of a payload by its message, in the payload's order. */
export function readTyped(desc: DescMessage, node: Node, path = "data"): TypedField[] {
  if (node.kind !== "object") return [];
  return node.children.map((child) => {
    const key = keyOf(child);
    const field = desc.fields.find(({ jsonName, name }) => jsonName === key || name === key);
    if (!field) return unknown(key, `${path}.${key}`, child.node);
    const at = `${path}.${field.jsonName}`;
    const value = readField(field, child.node, at);
    return { name: field.name, path: at, type: typeOf(field), isUnknown: false, value };
  });
}

function unknown(name: string, path: string, node: Node): TypedField {
  return { name, path, type: "", isUnknown: true, value: { kind: "json", node } };
}

function readField(field: DescField, node: Node, path: string): TypedValue {
  if (field.fieldKind === "list" && node.kind === "array") {
    return { kind: "items", items: elements(field, node.children, path) };
  }
  if (field.fieldKind === "map" && node.kind === "object") {
    return { kind: "fields", fields: elements(field, node.children, path) };
  }
  return field.fieldKind === "list" || field.fieldKind === "map"
    ? { kind: "json", node }
    : readValue(field, node, path);
}

/** The elements of a list or map. Only a text key has quotes in its path. */
function elements(field: DescField, children: Child[], path: string): TypedField[] {
  const isText = field.fieldKind === "map" && field.mapKey === ScalarType.STRING;
  return children.map((child, index) => {
    const name = child.key === undefined ? String(index) : keyOf(child);
    const at = `${path}[${isText ? JSON.stringify(name) : name}]`;
    return { name, path: at, type: "", isUnknown: false, value: readValue(field, child.node, at) };
  });
}

function readValue(field: DescField, node: Node, path: string): TypedValue {
  if (field.message) return readMessage(field.message, node, path);
  if (isContainer(node)) return { kind: "json", node };
  const raw = node.kind === "string" ? String(JSON.parse(node.lexeme)) : node.lexeme;
  if (field.enum) {
    const value = enumValue(field.enum, raw);
    return value ? { kind: "text", text: enumLabel(value), raw } : { kind: "text", text: raw };
  }
  return readScalar(field.scalar, node, raw);
}

function readScalar(scalar: ScalarType | undefined, node: Node, raw: string): TypedValue {
  if (scalar === ScalarType.BYTES) return readBytes(raw);
  const isText = !isContainer(node) && node.kind === "string";
  // A text where a number belongs, or the other way round, is shown as it came.
  if (isText !== (scalar === ScalarType.STRING) && !isQuotedNumber(scalar, isText)) {
    return { kind: "json", node };
  }
  return { kind: "text", text: raw };
}

function isQuotedNumber(scalar: ScalarType | undefined, isText: boolean): boolean {
  return isText && scalar !== ScalarType.BOOL && scalar !== undefined;
}

function readBytes(raw: string): TypedValue {
  let bytes: Uint8Array;
  try {
    bytes = base64Decode(raw);
  } catch {
    return { kind: "text", text: raw };
  }
  const size = bytes.length === 1 ? "1 byte" : `${bytes.length.toLocaleString("en")} bytes`;
  return { kind: "text", text: size, raw };
}

function readMessage(desc: DescMessage, node: Node, path: string): TypedValue {
  const text = !isContainer(node) && node.kind === "string" ? String(JSON.parse(node.lexeme)) : "";
  switch (desc.typeName) {
    case "google.protobuf.Timestamp": {
      const time = new Date(text);
      if (text === "" || Number.isNaN(time.getTime())) return { kind: "json", node };
      return { kind: "instant", time, raw: text };
    }
    case "google.protobuf.Duration": {
      const words = span(text);
      return words === undefined
        ? { kind: "json", node }
        : { kind: "text", text: words, raw: text };
    }
    default:
      break;
  }
  const wrapped = /^google\.protobuf\.\w+Value$/.test(desc.typeName) ? desc.fields[0] : undefined;
  if (wrapped?.name === "value" && !isContainer(node)) return readValue(wrapped, node, path);
  if (desc.typeName.startsWith("google.protobuf.") || node.kind !== "object") {
    return { kind: "json", node };
  }
  return { kind: "fields", fields: readTyped(desc, node, path) };
}

function keyOf({ key }: Child): string {
  return key === undefined ? "" : String(JSON.parse(key));
}

function typeOf(field: DescField): string {
  const element = field.message?.name ?? field.enum?.name ?? ScalarType[field.scalar ?? 0] ?? "";
  const name = field.message || field.enum ? element : element.toLowerCase();
  if (field.fieldKind === "list") return `repeated ${name}`;
  return field.fieldKind === "map" ? `map of ${name}` : name;
}
