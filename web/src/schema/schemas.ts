import {
  createFileRegistry,
  type DescMessage,
  fromBinary,
  type Registry,
} from "@bufbuild/protobuf";
import { protoCamelCase } from "@bufbuild/protobuf/reflect";
import {
  type DescriptorProto,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import type { GetSchemasResponse, TypeMessage } from "#gen/postrider/v1/event_type_pb";

/** Event types with the descriptors of their messages. */
export interface Schemas {
  /** Every file, to look messages up in and to resolve google.protobuf.Any. */
  registry: Registry;
  types: readonly TypeMessage[];
  /** The message of an event type; undefined when it has none here. */
  messageOf(type: string): DescMessage | undefined;
}

/** Decodes the response of GetSchemas. */
export function readSchemas({ descriptorSet, types }: GetSchemasResponse): Schemas {
  const registry = readDescriptors(fromBinary(FileDescriptorSetSchema, descriptorSet));
  const messages = new Map(types.map(({ type, message }) => [type, message]));
  return {
    registry,
    types,
    messageOf: (type) => registry.getMessage(messages.get(type) ?? ""),
  };
}

/** A registry of the files, in which every field has a name in JSON: compilers may leave out the usual one. */
export function readDescriptors(set: FileDescriptorSet): Registry {
  for (const file of set.file) file.messageType.forEach(nameInJson);
  return createFileRegistry(set);
}

function nameInJson(message: DescriptorProto): void {
  for (const field of message.field) field.jsonName ||= protoCamelCase(field.name);
  message.nestedType.forEach(nameInJson);
}
