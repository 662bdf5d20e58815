import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { GetSchemasResponseSchema } from "#gen/postrider/v1/event_type_pb";
import { shopDescriptors } from "@/testing/fake-event-types";
import { complete } from "./completion";
import { readSchemas } from "./schemas";

function schemasOf(...names: string[]) {
  const types = names.map((name) => ({ type: `shop.v1.${name}`, message: `shop.v1.${name}` }));
  return readSchemas(create(GetSchemasResponseSchema, { descriptorSet: shopDescriptors, types }));
}

const order = schemasOf("OrderCreated");
const several = schemasOf("OrderCreated", "OrderPaid");

/** The labels offered at the "|". */
function labels(marked: string, schemas = order): string[] {
  const caret = marked.indexOf("|");
  return complete(marked.replace("|", ""), caret, schemas)?.options.map(({ label }) => label) ?? [];
}

describe("completion", () => {
  it.each([
    ["|", "event"],
    ["ev|", "event"],
    ["event.|", "accept_time"],
    ["event.data.|", "ledger_number"],
    ["event.data.led|", "ledger_number"],
    ["event.data.total.|", "minor_units"],
    ["event.data.shipTo.|", "city"],
    ["event.data.lines.|", "exists(x, )"],
    ["event.data.lines[0].|", "sku"],
    ["event.data.lines[size(event.data.lines) - 1].unit_price.|", "currency"],
    ["event.data.lines.exists(line, line.|", "quantity"],
    ["event.data.lines.exists(line, li|", "line"],
    ["event.data.lines.all(a, a.options.exists(k, k.|", 'startsWith("")'],
    ["event.data.lines.filter(l, l.quantity > 1)[0].|", "sku"],
    ["event.data.note.|", 'contains("")'],
    ["event.data.create_time.|", "getHours()"],
    ["event.type == |", "shop.v1.OrderCreated"],
    ["event.data.channel == |", "ORDER_CHANNEL_WEB"],
    ["event.data.channel == web|", "ORDER_CHANNEL_WEB"],
    ["event.data.create_time < |", 'timestamp("")'],
    ["has(event.data.|", "ship_to"],
    ["event.subject == 'a.b' && event.da|", "data"],
    ["event.data.|total > 3", "total"],
  ])("at %s offers %s", (marked, label) => {
    expect(labels(marked)).toContain(label);
  });

  it.each([
    'event.subject == "ev|',
    "event.data.total.currency |",
    "event.data.nothing.|",
    "event.data.lines.exists(l, true) && l.|",
    "event.data.lines.sku|",
    "42|",
  ])("at %s offers nothing", (marked) => {
    expect(labels(marked)).toEqual([]);
  });

  it("offers the fields of all types, and says which types lack them", () => {
    const options = complete("event.data.", 11, several)?.options ?? [];
    expect(options.find(({ label }) => label === "amount")?.about).toBe("Money, in 1 of 2 types");
    expect(options.find(({ label }) => label === "order_id")?.about).toBe("string");
  });

  it("puts in the whole name of an enum's value", () => {
    const options = complete("event.data.channel == st", 24, order)?.options;
    expect(options?.[0]?.insert).toBe("shop.v1.OrderChannel.ORDER_CHANNEL_STORE");
  });

  it("offers the attributes also without any schema", () => {
    expect(complete("event.", 6, undefined)?.options.map(({ label }) => label)).toContain(
      "subject",
    );
  });
});
