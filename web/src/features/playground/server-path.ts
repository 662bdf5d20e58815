import type { DescField, DescMessage } from "@bufbuild/protobuf";

/**
 * Where the server found a fault, as the form names it: the server goes by the names in JSON (event.data.shipTo.city), the
 * form by those of the schema (ship_to.city).
 */
export function schemaPath(desc: DescMessage, path: string): string {
  let text = "";
  let message: DescMessage | undefined = desc;
  const parts = path.replace(/^event\.data\.?/, "");
  for (const [part, name] of parts.matchAll(/\["(?:[^"\\]|\\.)*"\]|\[[^\]]*\]|([^.[\]]+)/g)) {
    if (name === undefined) {
      text += part;
      continue;
    }
    const field: DescField | undefined = message?.fields.find(
      (f) => f.jsonName === name || f.name === name,
    );
    text += `${text === "" ? "" : "."}${field?.name ?? name}`;
    message = field?.message;
  }
  return text;
}
