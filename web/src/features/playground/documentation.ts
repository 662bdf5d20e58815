import type { DescField } from "@bufbuild/protobuf";
import { createContext, useContext } from "react";
import type { FieldDocumentation, TypeDocumentation } from "#gen/postrider/v1/event_type_pb";

/** What is known of each field, by message and field name. */
export type FieldDocumentations = ReadonlyMap<string, FieldDocumentation>;

export function documentationsOf(doc: TypeDocumentation | undefined): FieldDocumentations {
  return new Map(
    doc?.messages.flatMap(({ name, fields }) =>
      fields.map((field) => [`${name}.${field.name}`, field] as const),
    ),
  );
}

/** Hands the documentation of a type to the fields of its form. */
export const DocumentationContext = createContext<FieldDocumentations>(new Map());

export function useDocumentation(field: DescField): { comment: string; rules: string[] } {
  const known = useContext(DocumentationContext).get(`${field.parent.typeName}.${field.name}`);
  return { comment: known?.comment ?? "", rules: known?.rules ?? [] };
}
