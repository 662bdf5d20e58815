import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { enumValue } from "@/schema/label";
import type { Draft, MessageDraft } from "./draft";
import { keyFault, valueFault } from "./faults";
import { integerText, isInteger, scalarJson } from "./scalar";
import { fieldShape, isOptional, type Shape } from "./shape";
import { specialJson } from "./special";

/** Whether values that cannot be written yet are left out, or written as the text they are. */
export type Faulty = "omit" | "keep";

/** The payload as JSON on one line, in the schema's order, with every digit as typed. */
export function messageJson(desc: DescMessage, draft: MessageDraft, faulty: Faulty): string {
  const members = desc.fields.flatMap((field) => {
    const value = fieldJson(field, draft.fields[field.name], faulty);
    return value === undefined ? [] : [`${JSON.stringify(field.jsonName)}:${value}`];
  });
  return `{${members.join(",")}}`;
}

function fieldJson(field: DescField, draft: Draft | undefined, faulty: Faulty): string | undefined {
  if (!draft) return undefined;
  const shape = fieldShape(field);
  switch (draft.kind) {
    case "list":
      if (draft.items.length === 0) return undefined;
      return `[${draft.items.flatMap(({ value }) => valueJson(shape, value, faulty) ?? []).join(",")}]`;
    case "map":
      if (draft.entries.length === 0) return undefined;
      return `{${draft.entries.flatMap(({ key, value }) => entryJson(field, key, valueJson(shape, value, faulty), faulty)).join(",")}}`;
    default:
      return !isOptional(field) && isZero(draft) ? undefined : valueJson(shape, draft, faulty);
  }
}

function entryJson(
  field: DescField,
  key: string,
  value: string | undefined,
  faulty: Faulty,
): string[] {
  if (value === undefined) return [];
  const isFaulty = keyFault(field, key) !== undefined;
  if (isFaulty && faulty === "omit") return [];
  const isNumber = field.fieldKind === "map" && isInteger(field.mapKey);
  return [`${JSON.stringify(isNumber && !isFaulty ? integerText(key) : key)}:${value}`];
}

/** Without presence nothing typed is the zero value, which JSON leaves out. */
function isZero(draft: Draft): boolean {
  return draft.kind === "flag" ? !draft.on : draft.kind === "text" && draft.text === "";
}

function valueJson(shape: Shape, draft: Draft, faulty: Faulty): string | undefined {
  if (draft.kind === "message") {
    return shape.kind === "message" ? messageJson(shape.desc, draft, faulty) : undefined;
  }
  if (draft.kind === "flag") return String(draft.on);
  if (draft.kind !== "text") return undefined;
  if (valueFault(shape, draft.text) !== undefined) {
    return faulty === "omit" ? undefined : JSON.stringify(draft.text);
  }
  return textJson(shape, draft.text);
}

function textJson(shape: Shape, text: string): string {
  switch (shape.kind) {
    case "choice": {
      if (shape.desc.typeName === "google.protobuf.NullValue") return "null";
      const value = enumValue(shape.desc, text);
      return value ? JSON.stringify(value.name) : text.trim();
    }
    case "special":
      return specialJson(shape.special, text);
    case "message":
      return "{}";
    default:
      return shape.scalar === ScalarType.BOOL ? text : scalarJson(shape.scalar, text);
  }
}
