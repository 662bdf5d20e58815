import { describe, expect, it } from "vitest";
import { Kinds } from "@/testing/kinds";
import { formDraft } from "./form-draft";

const format = formDraft(Kinds);
const text = (value: string) => ({ kind: "text" as const, text: value });

describe("what is kept of the playground's form", () => {
  it("is what was typed, also what is no value yet", () => {
    const fields = { i32: text("12x"), i64: text("9007199254740993"), text: text("a\n") };
    const content = { message: { kind: "message" as const, fields }, source: "/s", subject: "42" };
    const kept = JSON.parse(JSON.stringify(format.write(content)));
    expect(format.read(kept)).toEqual(content);
  });

  it.each([[undefined], [{ data: "{" }], [{ data: "[]", source: "", subject: "" }], ["{}"]])(
    "is not read from %j",
    (kept) => expect(format.read(kept)).toBeUndefined(),
  );

  it("has nothing that the schema does not have any more", () => {
    const kept = { data: '{"gone":1,"text":"a"}', source: "", subject: "" };
    expect(format.read(kept)?.message.fields).toEqual({ text: text("a") });
  });
});
