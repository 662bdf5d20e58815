import type { DescField, DescMessage, DescOneof } from "@bufbuild/protobuf";
import { getOption, hasOption, ScalarType } from "@bufbuild/protobuf";
import {
  field as fieldRules,
  oneof as oneofRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { fieldShape, isFlag, isOptional, type Shape } from "./shape";

/** The text of a value in the form, as typed: a text that is not a number (yet) is kept. */
export type Draft = TextDraft | FlagDraft | MessageDraft | ListDraft | MapDraft;

export interface TextDraft {
  kind: "text";
  text: string;
}

export interface FlagDraft {
  kind: "flag";
  on: boolean;
}

export interface MessageDraft {
  kind: "message";
  /** By the field's name in the schema. What is not there is unset. */
  fields: Readonly<Record<string, Draft>>;
}

export interface ListDraft {
  kind: "list";
  items: readonly Item[];
}

export interface MapDraft {
  kind: "map";
  entries: readonly Entry[];
}

export interface Item {
  /** Identifies items while they are edited. */
  id: number;
  value: Draft;
}

export interface Entry extends Item {
  /** The map's key, as typed. */
  key: string;
}

/** A new element. */
export function emptyElement(shape: Shape): Draft {
  if (shape.kind === "message") return emptyMessage(shape.desc);
  if (isFlag(shape)) return { kind: "flag", on: false };
  if (shape.kind === "choice") return { kind: "text", text: shape.desc.values[0]?.name ?? "" };
  if (shape.kind === "special")
    return { kind: "text", text: shape.special === "object" ? "{}" : "" };
  return { kind: "text", text: "" };
}

/** A new field. */
export function emptyField(field: DescField): Draft {
  if (field.fieldKind === "list") return { kind: "list", items: [] };
  if (field.fieldKind === "map") return { kind: "map", entries: [] };
  return emptyElement(fieldShape(field));
}

/** A message with the messages it cannot do without, as deep as they go without repeating themselves. */
export function emptyMessage(desc: DescMessage, above: readonly DescMessage[] = []): MessageDraft {
  const fields: Record<string, Draft> = {};
  const path = [...above, desc];
  for (const field of desc.fields) {
    const shape = fieldShape(field);
    if (!isOptional(field) || !isRequired(field) || field.oneof) continue;
    if (shape.kind !== "message") fields[field.name] = emptyElement(shape);
    else if (!path.includes(shape.desc)) fields[field.name] = emptyMessage(shape.desc, path);
  }
  return { kind: "message", fields };
}

/** Whether a rule wants the field to be set. */
export function isRequired(field: DescField): boolean {
  return hasOption(field, fieldRules) && getOption(field, fieldRules).required;
}

/** Whether a rule wants one of the fields to be set. */
export function isRequiredOneof(oneof: DescOneof): boolean {
  return hasOption(oneof, oneofRules) && getOption(oneof, oneofRules).required;
}

/** The shape of a map's keys. */
export function keyShape(field: DescField): Shape {
  const scalar = field.fieldKind === "map" ? field.mapKey : ScalarType.STRING;
  return { kind: "scalar", scalar };
}

/** The list with an element more. */
export function withItem<T extends Item>(items: readonly T[], item: Omit<T, "id">): T[] {
  const id = Math.max(-1, ...items.map((other) => other.id)) + 1;
  return [...items, { ...item, id } as T];
}

/** The message with the field set to the draft, or unset. Of a oneof only one field stays. */
export function withField(
  message: MessageDraft,
  field: DescField,
  draft: Draft | undefined,
): MessageDraft {
  const fields: Record<string, Draft> = { ...message.fields };
  for (const other of field.oneof?.fields ?? []) delete fields[other.name];
  if (draft) fields[field.name] = draft;
  else delete fields[field.name];
  return { kind: "message", fields };
}
