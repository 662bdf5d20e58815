import { expect, it } from "vitest";
import { readSearch, writeSearch } from "./search";

it.each([
  ["?subject=42", { subject: "42" }],
  ["?types=order.*,shop.v1.*", { types: "order.*,shop.v1.*" }],
  ["?from=2026-01-31T09:00:00.000Z", { from: "2026-01-31T09:00:00.000Z" }],
  ["?subject=a%26b+%23", { subject: "a&b #" }],
  ["", {}],
])("the query %j stays as people write it", (query, search) => {
  expect(readSearch(query)).toEqual(search);
  expect(writeSearch(search)).toBe(query);
});

it("leaves out what is not set", () => {
  expect(writeSearch({ types: undefined, subject: "" })).toBe("");
});
