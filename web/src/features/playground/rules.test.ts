import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { GetSchemasResponseSchema } from "#gen/postrider/v1/event_type_pb";
import { readSchemas } from "@/schema/schemas";
import { shopDescriptors } from "@/testing/fake-event-types";
import { fillFromJson } from "./fill";
import { checkDraft } from "./rules";
import { schemaPath } from "./server-path";

const schemas = readSchemas(
  create(GetSchemasResponseSchema, {
    descriptorSet: shopDescriptors,
    types: ["OrderPaid", "OrderShipped"].map((name) => ({
      type: `shop.v1.${name}`,
      message: `shop.v1.${name}`,
    })),
  }),
);

it.each([
  [
    "shop.v1.OrderPaid",
    '{"orderId":"1","amount":{"currency":"EUR","minorUnits":"5"},"giftCardCode":"ABCDEFGHIJKL","payTime":"2026-01-31T09:00:00Z"}',
    [],
  ],
  ["shop.v1.OrderPaid", "{}", ["order_id", "amount", "pay_time", "method"]],
  [
    "shop.v1.OrderPaid",
    '{"orderId":"1","amount":{"currency":"EUR"},"card":{"brand":"visa","lastFour":"12"},"payTime":"2026-01-31T09:00:00Z"}',
    ["amount", "card.last_four"],
  ],
  [
    "shop.v1.OrderShipped",
    '{"orderId":"1","carrier":"dhl","parcels":[{"trackingNumber":"1234","weightGrams":1,"contents":{"A":0}}],"shipTime":"2026-01-31T09:00:00Z"}',
    ['parcels[0].contents["A"]'],
  ],
])("%s with %s breaks rules at %j", (type, json, paths) => {
  const desc = schemas.messageOf(type);
  const filled = desc && fillFromJson(desc, json);
  if (!desc || !filled) throw new Error("no such type");
  const { faults, failure } = checkDraft(schemas, desc, filled.draft);
  expect(failure).toBeUndefined();
  expect(faults.map(({ path }) => path)).toEqual(paths);
});

it("says of a value that is none only that, not that it is missing", () => {
  const desc = schemas.messageOf("shop.v1.OrderPaid");
  const filled =
    desc && fillFromJson(desc, '{"orderId":"1","amount":{"currency":"EUR","minorUnits":"x"}}');
  if (!desc || !filled) throw new Error("no such type");
  const { faults } = checkDraft(schemas, desc, filled.draft);
  expect(faults.filter(({ path }) => path.startsWith("amount"))).toEqual([
    { path: "amount.minor_units", message: "Write a whole number." },
  ]);
});

it.each([
  ["event.data", ""],
  ["event.data.orderId", "order_id"],
  ["event.data.parcels[0].trackingNumber", "parcels[0].tracking_number"],
  ['event.data.parcels[0].contents["a.b[0]"]', 'parcels[0].contents["a.b[0]"]'],
])("the server's %s is %j in the form", (path, want) => {
  const desc = schemas.messageOf("shop.v1.OrderShipped");
  expect(desc && schemaPath(desc, path)).toBe(want);
});
