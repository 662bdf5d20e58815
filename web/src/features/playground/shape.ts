import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";

/** A message that JSON writes as one value. */
export type Special = "time" | "duration" | "mask" | "json" | "object" | "array" | "any";

/** The control for one value of a field. */
export type Shape =
  | { kind: "scalar"; scalar: ScalarType }
  | { kind: "choice"; desc: DescEnum }
  | { kind: "special"; special: Special; desc: DescMessage }
  /** google.protobuf.Int64Value and its like: a scalar that can be absent. */
  | { kind: "wrapper"; scalar: ScalarType; desc: DescMessage }
  | { kind: "message"; desc: DescMessage };

const specials: Record<string, Special> = {
  "google.protobuf.Timestamp": "time",
  "google.protobuf.Duration": "duration",
  "google.protobuf.FieldMask": "mask",
  "google.protobuf.Value": "json",
  "google.protobuf.Struct": "object",
  "google.protobuf.ListValue": "array",
  "google.protobuf.Any": "any",
};

const wrappers =
  /^google\.protobuf\.(Double|Float|Int64|UInt64|Int32|UInt32|Bool|String|Bytes)Value$/;

export function messageShape(desc: DescMessage): Shape {
  const special = specials[desc.typeName];
  if (special) return { kind: "special", special, desc };
  const scalar = wrappers.test(desc.typeName) ? desc.fields[0]?.scalar : undefined;
  if (scalar !== undefined) return { kind: "wrapper", scalar, desc };
  return { kind: "message", desc };
}

/** The shape of a field's value; of an element's where the field is a list or map. */
export function fieldShape(field: DescField): Shape {
  if (field.message) return messageShape(field.message);
  if (field.enum) return { kind: "choice", desc: field.enum };
  return { kind: "scalar", scalar: field.scalar ?? ScalarType.STRING };
}

/** Whether the field can be absent, which is something else than empty. */
export function isOptional(field: DescField): boolean {
  if (field.fieldKind === "list" || field.fieldKind === "map") return false;
  return field.message !== undefined || field.presence !== FeatureSet_FieldPresence.IMPLICIT;
}

/** Whether the value is a flag, set by a check box. */
export function isFlag(shape: Shape): boolean {
  return (shape.kind === "scalar" || shape.kind === "wrapper") && shape.scalar === ScalarType.BOOL;
}
