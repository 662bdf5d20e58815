import type { DescField } from "@bufbuild/protobuf";
import { scalarName } from "./scalar";

/** A field's type as the schema has it, with the last part of a message's name only. */
export function typeName(field: DescField): string {
  const element =
    field.message?.name ?? field.enum?.name ?? (field.scalar ? scalarName(field.scalar) : "");
  if (field.fieldKind === "list") return `repeated ${element}`;
  if (field.fieldKind === "map") return `map<${scalarName(field.mapKey)}, ${element}>`;
  return element;
}
