import { create, type DescMessage, fromJson, type JsonObject } from "@bufbuild/protobuf";
import {
  DurationSchema,
  FieldMaskSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  Int64ValueSchema,
  StructSchema,
  TimestampSchema,
} from "@bufbuild/protobuf/wkt";
import { readDescriptors } from "@/schema/schemas";

const fields: JsonObject[] = [
  { name: "i32", type: "TYPE_INT32" },
  { name: "i64", type: "TYPE_INT64" },
  { name: "u64", type: "TYPE_UINT64" },
  { name: "f64", type: "TYPE_DOUBLE" },
  { name: "on", type: "TYPE_BOOL" },
  { name: "text", type: "TYPE_STRING" },
  { name: "raw", type: "TYPE_BYTES" },
  { name: "mode", type: "TYPE_ENUM", typeName: ".test.v1.Kinds.Mode" },
  { name: "maybe", type: "TYPE_INT32", proto3Optional: true, oneofIndex: 1 },
  { name: "child", type: "TYPE_MESSAGE", typeName: ".test.v1.Kinds" },
  { name: "tags", type: "TYPE_STRING", label: "LABEL_REPEATED" },
  { name: "kids", type: "TYPE_MESSAGE", typeName: ".test.v1.Kinds", label: "LABEL_REPEATED" },
  {
    name: "by_number",
    type: "TYPE_MESSAGE",
    typeName: ".test.v1.Kinds.ByNumberEntry",
    label: "LABEL_REPEATED",
  },
  { name: "at", type: "TYPE_MESSAGE", typeName: ".google.protobuf.Timestamp" },
  { name: "took", type: "TYPE_MESSAGE", typeName: ".google.protobuf.Duration" },
  { name: "mask", type: "TYPE_MESSAGE", typeName: ".google.protobuf.FieldMask" },
  { name: "free", type: "TYPE_MESSAGE", typeName: ".google.protobuf.Struct" },
  { name: "boxed", type: "TYPE_MESSAGE", typeName: ".google.protobuf.Int64Value" },
  { name: "left", type: "TYPE_STRING", oneofIndex: 0 },
  { name: "right", type: "TYPE_MESSAGE", typeName: ".test.v1.Kinds", oneofIndex: 0 },
];

const file = fromJson(FileDescriptorProtoSchema, {
  name: "test/v1/kinds.proto",
  package: "test.v1",
  syntax: "proto3",
  dependency: ["timestamp", "duration", "field_mask", "struct", "wrappers"].map(
    (name) => `google/protobuf/${name}.proto`,
  ),
  messageType: [
    {
      name: "Kinds",
      field: fields.map((field, index) => ({
        label: "LABEL_OPTIONAL",
        ...field,
        number: index + 1,
      })),
      oneofDecl: [{ name: "side" }, { name: "_maybe" }],
      enumType: [
        {
          name: "Mode",
          value: [
            { name: "MODE_UNSPECIFIED", number: 0 },
            { name: "MODE_VERY_FAST", number: 3 },
          ],
        },
      ],
      nestedType: [
        {
          name: "ByNumberEntry",
          options: { mapEntry: true },
          field: [
            { name: "key", number: 1, type: "TYPE_INT64", label: "LABEL_OPTIONAL" },
            { name: "value", number: 2, type: "TYPE_STRING", label: "LABEL_OPTIONAL" },
          ],
        },
      ],
    },
  ],
});

const imports = [
  TimestampSchema,
  DurationSchema,
  FieldMaskSchema,
  StructSchema,
  Int64ValueSchema,
].map((schema) => schema.file.proto);

export const kindsRegistry = readDescriptors(
  create(FileDescriptorSetSchema, { file: [...imports, file] }),
);

/** A message with a field of every kind there is. */
export const Kinds: DescMessage = (() => {
  const found = kindsRegistry.getMessage("test.v1.Kinds");
  if (!found) throw new Error("test.v1.Kinds is not in its file");
  return found;
})();
