import { fromJsonString } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { Kinds, kindsRegistry } from "@/testing/kinds";
import { type MessageDraft, withField } from "./draft";
import { draftFaults } from "./faults";
import { fillFromJson } from "./fill";
import { messageJson } from "./json";

function filled(json: string): MessageDraft {
  const result = fillFromJson(Kinds, json);
  if (!result) throw new Error(`${json} is no object`);
  return result.draft;
}

const text = (value: string) => ({ kind: "text" as const, text: value });

describe("a draft", () => {
  it.each([
    '{"i32":-2147483648,"i64":"-9223372036854775808","u64":"18446744073709551615"}',
    '{"f64":1.10}',
    '{"f64":"-Infinity"}',
    '{"on":true,"text":"a\\"b\\n","raw":"AQID"}',
    '{"mode":"MODE_VERY_FAST"}',
    '{"mode":17}',
    '{"maybe":0}',
    '{"child":{}}',
    '{"child":{"child":{"i32":1}}}',
    '{"tags":["a",""],"kids":[{},{"i32":1}]}',
    '{"byNumber":{"9007199254740993":"x","-1":""}}',
    '{"at":"2026-01-31T09:00:00.123456789+01:00","took":"-1.5s","mask":"i32,byNumber"}',
    '{"free":{"a":[1.10,9007199254740993,null],"@type":"x"}}',
    '{"boxed":"0"}',
    '{"left":""}',
    '{"right":{"left":"x"}}',
  ])("made from %s is written as the same JSON", (json) => {
    const written = messageJson(Kinds, filled(json), "keep");
    expect(written.replaceAll(/\s/g, "")).toBe(json);
    fromJsonString(Kinds, written, { registry: kindsRegistry });
  });

  it.each([
    ['{"i64":9007199254740993}', '{"i64":"9007199254740993"}'],
    ['{"i32":"7"}', '{"i32":7}'],
    ['{"by_number":{"1":"x"}}', '{"byNumber":{"1":"x"}}'],
    ['{"mode":3}', '{"mode":"MODE_VERY_FAST"}'],
    ['{"i32":0,"text":null,"tags":[]}', '{"i32":0}'],
  ])("made from %s is written as Protobuf's JSON has it: %s", (json, want) => {
    expect(messageJson(Kinds, filled(json), "keep")).toBe(want);
  });

  it.each([
    ["i32", "2147483648", "Write 2147483647 or less."],
    ["i32", "1.5", "Write a whole number."],
    ["u64", "-1", "Write 0 or more."],
    ["i64", "9223372036854775808", "Write 9223372036854775807 or less."],
    ["f64", "1,5", "Write a number, NaN, Infinity or -Infinity."],
    ["f64", "1e999", "That is too large for a double."],
    ["raw", "é", "Write Base64."],
    ["at", "yesterday", "Write a time such as 2026-01-31T09:00:00Z."],
    ["at", "2026-02-31T99:00:00Z", "Write a time such as 2026-01-31T09:00:00Z."],
    ["took", "soon", "Write a time span such as 90s, 1.5s or 2h30m."],
    ["mask", "ship to", "Write field paths such as total,shipTo.city."],
    ["free", "[]", "Write a JSON object."],
    ["free", "{", "Write JSON."],
    ["mode", "FAST", "Choose a value."],
    ["maybe", "", "Write a whole number."],
  ])("with %s set to %j says: %s", (name, value, message) => {
    const draft = { kind: "message" as const, fields: { [name]: text(value) } };
    expect(draftFaults(Kinds, draft)).toEqual([{ path: name, message }]);
    expect(messageJson(Kinds, draft, "omit")).toBe("{}");
    expect(JSON.parse(messageJson(Kinds, draft, "keep"))).toEqual({
      [Kinds.field[name]?.jsonName ?? ""]: value,
    });
  });

  it("says where in lists, maps and messages a value is wrong", () => {
    const draft = filled('{"kids":[{},{"i32":"x","byNumber":{"one":"1"}}]}');
    expect(draftFaults(Kinds, draft).map(({ path }) => path)).toEqual([
      "kids[1].i32",
      "kids[1].by_number[one]",
    ]);
  });

  it("refuses a key that comes twice", () => {
    const entry = { key: "1", value: text("x") };
    const entries = [
      { id: 0, ...entry },
      { id: 1, ...entry },
    ];
    const draft = {
      kind: "message" as const,
      fields: { by_number: { kind: "map" as const, entries } },
    };
    expect(draftFaults(Kinds, draft)).toEqual([
      { path: "by_number[1]", message: "Every entry needs a unique key." },
    ]);
  });

  it("reads time spans as people write them", () => {
    const draft = { kind: "message" as const, fields: { took: text("2h30m") } };
    expect(messageJson(Kinds, draft, "keep")).toBe('{"took":"9000s"}');
  });

  it("holds one field of a oneof", () => {
    const left = Kinds.field.left;
    const right = Kinds.field.right;
    if (!left || !right) throw new Error("no oneof");
    const both = withField(withField(filled("{}"), left, text("a")), right, filled("{}"));
    expect(messageJson(Kinds, both, "keep")).toBe('{"right":{}}');
  });
});

it.each([
  ['{"colour":1,"child":{"x":2},"kids":[{"y":3}]}', ["colour", "child.x", "kids[0].y"]],
  ['{"tags":"a","child":[],"on":"yes"}', ["tags", "child", "on"]],
])("%s has members the schema has no place for: %j", (json, ignored) => {
  expect(fillFromJson(Kinds, json)?.ignored).toEqual(ignored);
});

it.each(["", "[]", "1", '{"a":'])("%j fills no form", (json) => {
  expect(fillFromJson(Kinds, json)).toBeUndefined();
});
