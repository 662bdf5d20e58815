import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { GetSchemasResponseSchema } from "#gen/postrider/v1/event_type_pb";
import { readSchemas } from "@/schema/schemas";
import { shopDescriptors } from "@/testing/fake-event-types";
import { type Meaning, readSearch } from "./search-options";

const name = "shop.v1.OrderCreated";
const schemas = readSchemas(
  create(GetSchemasResponseSchema, {
    descriptorSet: shopDescriptors,
    types: [{ type: name, message: name }],
  }),
);
const known = { types: [name, "order.created", "order.paid"], schemas };

function brief(meaning: Meaning): string {
  switch (meaning.kind) {
    case "id":
      return `id ${meaning.id}`;
    case "types":
      return `types ${meaning.types.join(",")}`;
    case "subject":
      return `subject ${meaning.subject}`;
    case "expression":
      return `expression ${meaning.expression}`;
    default:
      return `complete ${meaning.text}`;
  }
}

const read = (text: string) => readSearch(text, text.length, known);

describe("a text in the search box", () => {
  it.each([
    ["order.created", "types order.created"],
    ["order.*", "types order.*"],
    ["payment.failed", "types payment.failed"],
    ["order", "types order"],
    ["order.*,payment.failed", "types order.*,payment.failed"],
    ["*", "types *"],
    ["order/42", "subject order/42"],
    ["42", "subject 42"],
    ["Straße 7", "subject Straße 7"],
    ["evt_06h2jds74l0mqo5ntd7earo5ug", "id evt_06h2jds74l0mqo5ntd7earo5ug"],
    ["id:mine-7", "id mine-7"],
    ["subject:order.created", "subject order.created"],
    ["type:42", "types 42"],
    ['event.subject == "42"', 'expression event.subject == "42"'],
    ["cel: true", "expression true"],
    ["size(event.data.lines) > 3", "expression size(event.data.lines) > 3"],
  ])("%j means %j at first", (text, want) => {
    const [first] = read(text).meanings;
    expect(first && brief(first)).toBe(want);
  });

  it.each([
    ["order", "types order.*"],
    ["order", "types order.paid"],
    ["created", `types ${name}`],
    ["order", "subject order"],
    ["42", "id 42"],
    ["42", "types 42"],
    ["order.*,shop", `types order.*,${name}`],
    ["ev", "complete event"],
    ["event.data.led", "complete event.data.ledger_number"],
    ["cel:event.sub", "complete cel:event.subject"],
    [
      "event.data.channel == st",
      "complete event.data.channel == shop.v1.OrderChannel.ORDER_CHANNEL_STORE",
    ],
  ])("%j may mean %j", (text, want) => {
    expect(read(text).meanings.map(brief)).toContain(want);
  });

  it.each(["order.*.paid", "type:order.*x", "order.*,a/b"])("%j is no pattern", (text) => {
    expect(read(text).fault).toMatch(/is no pattern/);
    expect(read(text).meanings).toEqual([]);
  });

  it("offers the known types while it is empty", () => {
    expect(read("").meanings.map(brief)).toEqual(
      known.types.toSorted().map((type) => `types ${type}`),
    );
  });
});
