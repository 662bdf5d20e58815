import { expect, it } from "vitest";
import { Kinds } from "@/testing/kinds";
import { readTree } from "@/ui/json/tree";
import { span } from "./span";
import { readTyped, type TypedField } from "./typed";

/** The fields on lines of their own: where, and as what they are read. */
function lines(fields: TypedField[]): string[] {
  return fields.flatMap(({ path, isUnknown, value }) => {
    const mark = isUnknown ? `${path}?` : path;
    switch (value.kind) {
      case "fields":
        return [mark, ...lines(value.fields)];
      case "items":
        return [mark, ...lines(value.items)];
      case "instant":
        return [`${mark} at ${value.time.toISOString()}`];
      case "text":
        return [`${mark} = ${value.text}${value.raw === undefined ? "" : ` (${value.raw})`}`];
      default:
        return [`${mark} as JSON`];
    }
  });
}

it.each([
  ['{"i64":"9007199254740993","f64":1.10}', ["data.i64 = 9007199254740993", "data.f64 = 1.10"]],
  ['{"mode":"MODE_VERY_FAST"}', ["data.mode = Very fast (MODE_VERY_FAST)"]],
  ['{"mode":9}', ["data.mode = 9"]],
  ['{"on":true,"text":"a\\nb"}', ["data.on = true", "data.text = a\nb"]],
  ['{"raw":"AQID"}', ["data.raw = 3 bytes (AQID)"]],
  ['{"at":"2026-01-31T10:00:00+01:00"}', ["data.at at 2026-01-31T09:00:00.000Z"]],
  ['{"took":"93600.5s"}', ["data.took = 1 d 2 h 0.5 s (93600.5s)"]],
  ['{"boxed":"5"}', ["data.boxed = 5"]],
  ['{"free":{"a":1},"mask":"i32"}', ["data.free as JSON", "data.mask as JSON"]],
  ['{"child":{"i32":1}}', ["data.child", "data.child.i32 = 1"]],
  [
    '{"kids":[{"i32":1},{}]}',
    ["data.kids", "data.kids[0]", "data.kids[0].i32 = 1", "data.kids[1]"],
  ],
  ['{"byNumber":{"7":"x"}}', ["data.byNumber", "data.byNumber[7] = x"]],
  [
    '{"colour":"red","i32":"seven","tags":"x"}',
    ["data.colour? as JSON", "data.i32 = seven", "data.tags as JSON"],
  ],
  [
    '{"text":5,"on":"yes","at":"soon"}',
    ["data.text as JSON", "data.on as JSON", "data.at as JSON"],
  ],
])("%s is read as %j", (json, want) => {
  const node = readTree(json);
  if (!node) throw new Error("no JSON");
  expect(lines(readTyped(Kinds, node))).toEqual(want);
});

it.each([
  ["0s", "0 s"],
  ["1.500s", "1.5 s"],
  ["60s", "1 min"],
  ["-90s", "−1 min 30 s"],
  ["86400s", "1 d"],
  ["1h", undefined],
])("span reads %s as %s", (text, want) => {
  expect(span(text)).toBe(want);
});
