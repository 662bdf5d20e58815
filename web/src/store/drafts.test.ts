import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  countDrafts,
  dropDraft,
  dropDrafts,
  isLike,
  keepDraft,
  keepDraftsOf,
  readDraft,
} from "./drafts";

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

  it("are counted, and all removed at once", () => {
    keepDraft("a", "form 1", 1);
    keepDraft("b", "form 2", 2);
    sessionStorage.setItem("of something else", "stays");
    expect(countDrafts()).toBe(2);
    dropDrafts();
    expect(countDrafts()).toBe(0);
    expect(Object.keys(sessionStorage)).toEqual(["of something else"]);
  });

  it("do not look at the others at a keystroke", () => {
    for (let i = 0; i < 20; i++) keepDraft("a", `form ${i}`, i);
    const real = sessionStorage;
    const reads: string[] = [];
    vi.stubGlobal("sessionStorage", {
      getItem: (key: string) => {
        reads.push(key);
        return real.getItem(key);
      },
      setItem: (key: string, text: string) => real.setItem(key, text),
    });
    keepDraft("a", "form 3", "typed");
    vi.unstubAllGlobals();
    expect(reads).toHaveLength(1);
    expect(readDraft("a", "form 3")).toBe("typed");
  });

  it("that cannot be read are none", () => {
    keepDraft("a", "form", 1);
    sessionStorage.setItem(Object.keys(sessionStorage)[0] ?? "", "1 {");
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
