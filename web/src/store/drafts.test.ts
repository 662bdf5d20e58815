import { beforeEach, describe, expect, it } from "vitest";
import { dropDraft, isLike, keepDraft, keepDraftsOf, readDraft } from "./drafts";

beforeEach(() => sessionStorage.clear());

describe("drafts", () => {
  it("come back to their owner and form alone", () => {
    keepDraft("acme/alice", "new", { name: "billing" });
    expect(readDraft("acme/alice", "new")).toEqual({ name: "billing" });
    expect(readDraft("acme/bob", "new")).toBeUndefined();
    expect(readDraft("acme/alice", "edit")).toBeUndefined();
    dropDraft("acme/alice", "new");
    expect(readDraft("acme/alice", "new")).toBeUndefined();
  });

  it("of others are removed when somebody signs in", () => {
    keepDraft("alice", "new", 1);
    keepDraft("alice2", "new", 2);
    keepDraftsOf("alice");
    expect(readDraft("alice", "new")).toBe(1);
    expect(Object.keys(sessionStorage)).toHaveLength(1);
  });

  it("are limited in number and length", () => {
    for (let i = 0; i < 30; i++) keepDraft("a", `form ${i}`, i);
    expect(Object.keys(sessionStorage)).toHaveLength(20);
    expect(readDraft("a", "form 29")).toBe(29);
    keepDraft("a", "form 29", "x".repeat(100_000));
    expect(readDraft("a", "form 29")).toBeUndefined();
  });

  it("that cannot be read are none", () => {
    keepDraft("a", "form", 1);
    sessionStorage.setItem(Object.keys(sessionStorage)[0] ?? "", "{");
    expect(readDraft("a", "form")).toBeUndefined();
  });
});

describe("isLike", () => {
  const sample = { name: "", isOn: false, list: [{ key: 0 }], part: { url: "" } };
  it("accepts the same fields with other texts", () => {
    const value = { name: "n", isOn: true, list: [{ key: 1 }, { key: 2 }], part: { url: "u" } };
    expect(isLike(sample, value)).toBe(true);
  });
  it.each([
    [null],
    ["text"],
    [{ name: "n" }],
    [{ ...sample, isOn: "yes" }],
    [{ ...sample, list: [{ key: "1" }] }],
    [{ ...sample, list: {} }],
    [{ ...sample, part: null }],
  ])("refuses %j", (value) => expect(isLike(sample, value)).toBe(false));
});
