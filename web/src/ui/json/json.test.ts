import { describe, expect, it } from "vitest";
import { pretty } from "./pretty";
import { type Node, readTree } from "./tree";

describe("pretty", () => {
  it.each([
    ["a number beyond doubles", '{"n":9007199254740993}', '{\n  "n": 9007199254740993\n}'],
    ["trailing zeros and exponents", "[1.10,1e400,-0]", "[\n  1.10,\n  1e400,\n  -0\n]"],
    ["key order and repeated keys", '{"b":1,"a":2,"b":3}', '{\n  "b": 1,\n  "a": 2,\n  "b": 3\n}'],
    [
      "integer-like keys, which JSON.parse moves",
      '{"z":1,"2":1,"1":1}',
      '{\n  "z": 1,\n  "2": 1,\n  "1": 1\n}',
    ],
    ["empty containers", '{"a":{},"b":[]}', '{\n  "a": {},\n  "b": []\n}'],
    ["escapes as written", '{"a":"\\u00e9\\/\\""}', '{\n  "a": "\\u00e9\\/\\""\n}'],
    ["brackets inside strings", '{"a":"}],{["}', '{\n  "a": "}],{["\n}'],
    ["a key named @type", '{"@type":"x"}', '{\n  "@type": "x"\n}'],
    ["text that is laid out already", '{ "a" :\n\t1 }', '{\n  "a": 1\n}'],
    ["what is not JSON", "<html>no</html>", "<html>no</html>"],
  ])("keeps %s", (_, text, want) => {
    expect(pretty(text)).toBe(want);
  });
});

describe("readTree", () => {
  it.each([
    "",
    "{",
    "}",
    "[1,]",
    "[,1]",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{"a" 1}',
    "{a:1}",
    "[1 2]",
    "[1}",
    "1 2",
    "01",
    "nul",
    '"open',
    "ok",
  ])("refuses %j as JSON.parse does", (text) => {
    expect(readTree(text)).toBeUndefined();
    expect(() => JSON.parse(text)).toThrow();
  });

  it.each(["1", '"a"', "null", "[]", "{}", '{"a":[1,{"b":null}],"c":true}', " [ 1 , 2 ] "])(
    "reads %j to the same value as JSON.parse",
    (text) => {
      expect(JSON.parse(write(readTree(text)))).toEqual(JSON.parse(text));
    },
  );

  it("counts lines as pretty lays them out", () => {
    const text = '{"a":[1,{"b":null,"c":{}}],"d":[],"e":"x"}';
    const root = readTree(text);
    expect(root && "lines" in root && root.lines).toBe(pretty(text).split("\n").length);
  });

  it("reads a string of a megabyte", () => {
    const text = JSON.stringify({ blob: "x\n".repeat(500_000) });
    expect(readTree(text)).toBeDefined();
  });

  it("reads nesting deeper than the call stack", () => {
    const depth = 200_000;
    expect(readTree("[".repeat(depth) + "]".repeat(depth))).toBeDefined();
  });
});

function write(node: Node | undefined): string {
  if (!node) return "";
  if (!("children" in node)) return node.lexeme;
  const inside = node.children.map(({ key, node: child }) =>
    key ? `${key}:${write(child)}` : write(child),
  );
  return node.kind === "object" ? `{${inside.join(",")}}` : `[${inside.join(",")}]`;
}
