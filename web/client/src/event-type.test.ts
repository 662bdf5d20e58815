import { create, createFileRegistry, type DescMessage, setExtension } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  MessageOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { OrderCreatedSchema } from "../examples/gen/shop/v1/order_pb.js";
import { eventTypeOf, schemaOf } from "./event-type.js";
import { EventOptionSchema, event } from "./gen/postrider/v1/option_pb.js";

/** A message acme.Happened with our option, as generated code carries it. */
function marked(type: string): DescMessage {
  const options = create(MessageOptionsSchema);
  setExtension(options, event, create(EventOptionSchema, { type, subject: "id" }));
  const file = create(FileDescriptorProtoSchema, {
    name: "acme.proto",
    package: "acme",
    syntax: "proto3",
    messageType: [{ name: "Happened", options }],
  });
  const message = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).getMessage(
    "acme.Happened",
  );
  if (!message) throw new Error("no such message");
  return message;
}

describe("eventTypeOf", () => {
  it("is the message's full name", () => {
    expect(eventTypeOf(OrderCreatedSchema)).toBe("shop.v1.OrderCreated");
  });

  it("is the one that the message's option names", () => {
    expect(eventTypeOf(marked("acme.happened"))).toBe("acme.happened");
    expect(eventTypeOf(marked(""))).toBe("acme.Happened");
  });

  it("is the one that is given with the schema", () => {
    const source = { schema: marked("acme.happened"), type: "acme.other" };
    expect(eventTypeOf(source)).toBe("acme.other");
    expect(schemaOf(source)).toBe(source.schema);
  });
});
