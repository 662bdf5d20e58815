import { create, type DescMessage, equals, toJson, toJsonString } from "@bufbuild/protobuf";
import {
  BoolValueSchema,
  Int64ValueSchema,
  StructSchema,
  UInt64ValueSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { MoneySchema } from "../examples/gen/shop/v1/money_pb.js";
import { OrderCreatedSchema } from "../examples/gen/shop/v1/order_pb.js";
import { messageFromJson, parseJson } from "./json.js";

const order = (text: string) => messageFromJson(OrderCreatedSchema, parseJson(text));

describe("messageFromJson", () => {
  it.each([
    ["9007199254740993", 9007199254740993n],
    ['"9007199254740993"', 9007199254740993n],
    ["9223372036854775807", 9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
    ["42", 42n],
  ])("reads the 64-bit integer %s exactly", (text, want) => {
    expect(order(`{"ledgerNumber":${text}}`).ledgerNumber).toBe(want);
    expect(order(`{"ledger_number":${text}}`).ledgerNumber).toBe(want);
    expect(order(`{"total":{"minorUnits":${text}}}`).total?.minorUnits).toBe(want);
    expect(
      order(`{"lines":[{"unitPrice":{"minorUnits":${text}}}]}`).lines[0]?.unitPrice?.minorUnits,
    ).toBe(want);
  });

  it.each(["9007199254740993.5", "9223372036854775808", "9007199254740993.0e3"])(
    "refuses %s where an integer belongs, and never rounds it",
    (text) => {
      expect(() => order(`{"ledgerNumber":${text}}`)).toThrow();
    },
  );

  it("reads wrappers exactly", () => {
    const json = parseJson("18446744073709551615");
    expect(messageFromJson(UInt64ValueSchema, json).value).toBe(18446744073709551615n);
    expect(messageFromJson(Int64ValueSchema, parseJson("-9007199254740993")).value).toBe(
      -9007199254740993n,
    );
    expect(messageFromJson(BoolValueSchema, parseJson("true")).value).toBe(true);
  });

  it("leaves a number a number where the schema is free", () => {
    const text = '{"a":9007199254740993,"b":[1e30],"c":{"d":12345678901234567890}}';
    for (const schema of [ValueSchema, StructSchema]) {
      const message = messageFromJson<DescMessage>(schema, parseJson(text));
      expect(toJson<DescMessage>(schema, message)).toEqual(JSON.parse(text));
    }
  });

  it("refuses a large number where a text belongs", () => {
    expect(() => order('{"orderId":12345678901234567890}')).toThrow(/order_id/);
  });

  it("leaves texts alone, whatever is in them", () => {
    const note = 'say "12345678901234567890" \\ \u0000 and 9007199254740993';
    const leading = "\u00001234567890123456789";
    const text = JSON.stringify({ note, orderId: leading, ledgerNumber: 1 });
    for (const more of ["", ',"unknown":12345678901234567890']) {
      const read = order(text.replace(/}$/, `${more}}`));
      expect(read.note).toBe(note);
      expect(read.orderId).toBe(leading);
    }
  });

  it("reads maps whose keys look like anything", () => {
    const options = { "12345678901234567890": "a", "\u0000x": "b", "": "c" };
    const read = order(JSON.stringify({ lines: [{ options }], ledgerNumber: 9007199254740992 }));
    expect(read.lines[0]?.options).toEqual(options);
  });

  it("passes over fields that a newer schema has", () => {
    expect(order('{"orderId":"42","newer":{"deep":[12345678901234567890]}}').orderId).toBe("42");
  });

  it.each([
    "{",
    "01234567890123456789",
    '{"a":1234567890123456789x}',
    '{"a":--1234567890123456789}',
    "",
  ])("does not take %s for JSON", (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });

  it("reads a large text in the time of a large text", () => {
    const note = '\\"'.repeat(500_000);
    const text = JSON.stringify({ note, ledgerNumber: 0 }).replace(":0}", ":9007199254740993}");
    expect(order(text).note).toBe(note);
  });

  it("reads back what the reference writes", () => {
    const message = create(MoneySchema, { currency: "EUR", minorUnits: 2n ** 62n + 1n });
    const text = toJsonString(MoneySchema, message);
    expect(equals(MoneySchema, messageFromJson(MoneySchema, parseJson(text)), message)).toBe(true);
  });
});
