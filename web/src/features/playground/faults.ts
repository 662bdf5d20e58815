import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import type { FieldFault } from "@/rpc/fault";
import { enumValue } from "@/schema/label";
import type { Draft, MapDraft, MessageDraft } from "./draft";
import { scalarFault } from "./scalar";
import { fieldShape, isOptional, type Shape } from "./shape";
import { specialFault } from "./special";

/** The parts of the draft that are no value of their field. The rules of the schema are checked after that. */
export function draftFaults(desc: DescMessage, draft: MessageDraft, above = ""): FieldFault[] {
  return desc.fields.flatMap((field) => {
    const value = draft.fields[field.name];
    return value ? fieldFaults(field, value, fieldPath(above, field)) : [];
  });
}

/** Where a field is, as the rules' violations name it: lines[0].unit_price. */
export function fieldPath(above: string, field: DescField): string {
  return above === "" ? field.name : `${above}.${field.name}`;
}

/** Where an entry of a map is: a text key has quotes, a number none. */
export function entryPath(path: string, field: DescField, key: string): string {
  const isText = field.fieldKind !== "map" || field.mapKey === ScalarType.STRING;
  return `${path}[${isText ? JSON.stringify(key) : key}]`;
}

function fieldFaults(field: DescField, draft: Draft, path: string): FieldFault[] {
  const shape = fieldShape(field);
  if (draft.kind === "list") {
    return draft.items.flatMap(({ value }, index) => faultsOf(shape, value, `${path}[${index}]`));
  }
  if (draft.kind === "map") return mapFaults(field, draft, path);
  if (!isOptional(field) && draft.kind === "text" && draft.text === "") return [];
  return faultsOf(shape, draft, path);
}

function mapFaults(field: DescField, { entries }: MapDraft, path: string): FieldFault[] {
  const shape = fieldShape(field);
  return entries.flatMap(({ key, value }, index) => {
    const at = entryPath(path, field, key);
    const isRepeated = entries.findIndex((other) => other.key === key) < index;
    const message = isRepeated ? "Every entry needs a unique key." : keyFault(field, key);
    return [...(message ? [{ path: at, message }] : []), ...faultsOf(shape, value, at)];
  });
}

function faultsOf(shape: Shape, draft: Draft, path: string): FieldFault[] {
  if (draft.kind === "message") {
    return shape.kind === "message" ? draftFaults(shape.desc, draft, path) : [];
  }
  const message = draft.kind === "text" ? valueFault(shape, draft.text) : undefined;
  return message === undefined ? [] : [{ path, message }];
}

/** Why the text is no key of the map. */
export function keyFault(field: DescField, text: string): string | undefined {
  if (field.fieldKind !== "map") return undefined;
  if (field.mapKey !== ScalarType.BOOL) return scalarFault(field.mapKey, text);
  return text === "true" || text === "false" ? undefined : "Write true or false.";
}

/** Why the text is no value of the shape. */
export function valueFault(shape: Shape, text: string): string | undefined {
  switch (shape.kind) {
    case "scalar":
    case "wrapper":
      return scalarFault(shape.scalar, text);
    case "special":
      return specialFault(shape.special, text);
    case "choice":
      return enumValue(shape.desc, text) || /^-?\d{1,10}$/.test(text)
        ? undefined
        : "Choose a value.";
    default:
      return undefined;
  }
}
