import { describe, expect, it } from "vitest";
import { suggestPatterns, wordAt } from "./pattern";

describe("wordAt", () => {
  it.each([
    ["", 0, "", 0, 0],
    ["order.*", 3, "order.*", 0, 7],
    ["order.*, pay", 12, "pay", 9, 12],
    ["order.*, pay", 2, "order.*", 0, 7],
    ["a, , b", 3, "", 3, 3],
    ["a,", 2, "", 2, 2],
  ])("in %j at %i is %j", (text, caret, word, from, to) =>
    expect(wordAt(text, caret)).toEqual({ word, from, to }),
  );
});

describe("suggestPatterns", () => {
  const names = ["shop.v1.OrderCreated", "shop.v1.OrderPaid", "order.created", "reorder.created"];
  const patterns = (word: string) => suggestPatterns(word, names).map(({ pattern }) => pattern);

  it("offers types, and prefixes that several share", () =>
    expect(suggestPatterns("shop", names)).toEqual([
      { pattern: "shop.*", count: 2 },
      { pattern: "shop.v1.*", count: 2 },
      { pattern: "shop.v1.OrderCreated", count: 1 },
      { pattern: "shop.v1.OrderPaid", count: 1 },
    ]));

  it("puts first what begins with the word, without regard to case", () =>
    expect(patterns("Order")).toEqual([
      "order.created",
      "reorder.created",
      "shop.v1.OrderCreated",
      "shop.v1.OrderPaid",
    ]));

  it("offers nothing that is there already", () => {
    expect(patterns("order.created")).toEqual(["reorder.created"]);
    expect(patterns("unknown")).toEqual([]);
  });

  it("is limited", () =>
    expect(
      suggestPatterns(
        "",
        Array.from({ length: 500 }, (_, i) => `t${i}`),
      ),
    ).toHaveLength(50));
});
