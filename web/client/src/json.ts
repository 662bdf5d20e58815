import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";

/*
 * JSON.parse turns 9007199254740993 into 9007199254740992. Numbers that a double may not hold are therefore marked in the
 * text before it is parsed; where the schema has a 64-bit integer they stay text, which its JSON form allows, and
 * everywhere else they become numbers again.
 */

const mark = "\u0000";
const stringOrNumber = /"(?:[^"\\]+|\\.)*"|-?\d[\d.eE+-]*/g;
const manyDigits = /\d{16}/;

/** JSON that was parsed, and whether numbers in it are marked. */
export interface ParsedJson {
  readonly value: JsonValue;
  readonly marked: boolean;
}

/** Parses JSON so that no number is rounded yet. A text that is not JSON throws a SyntaxError. */
export function parseJson(text: string): ParsedJson {
  const value = JSON.parse(text) as JsonValue;
  if (!manyDigits.test(text)) return { value, marked: false };
  // The text is known to be JSON by now, so the expression meets nothing but whole strings and numbers.
  return { value: JSON.parse(text.replace(stringOrNumber, markToken)) as JsonValue, marked: true };
}

function markToken(token: string): string {
  // A string that begins like a marked number gets a second mark.
  if (token.startsWith('"')) return token.replace(/^"\\u0000/, '"\\u0000\\u0000');
  return manyDigits.test(token) ? `"\\u0000${token}"` : token;
}

/** Reads a message from JSON: 64-bit integers of any size exactly, fields the schema does not know passed over. */
export function messageFromJson<Schema extends DescMessage>(
  schema: Schema,
  { value, marked }: ParsedJson,
): MessageShape<Schema> {
  return fromJson(schema, marked ? unmark(value, schema) : value, { ignoreUnknownFields: true });
}

/** What stands at a place of the schema: a message, a 64-bit integer, or anything else. */
type Place = DescMessage | "integer" | undefined;

function unmark(value: JsonValue, place: Place): JsonValue {
  if (typeof value === "string") return unmarkText(value, place);
  if (Array.isArray(value)) return value.map((item) => unmark(item, place));
  if (value === null || typeof value !== "object") return value;
  return unmarkObject(value, typeof place === "object" ? place : undefined);
}

function unmarkText(value: string, place: Place): string | number {
  if (!value.startsWith(mark)) return value;
  const digits = value.slice(mark.length);
  if (digits.startsWith(mark)) return digits;
  const isInteger = typeof place === "object" ? integerWrappers.has(place.typeName) : place;
  return isInteger ? digits : Number(digits);
}

function unmarkObject(value: JsonObject, message: DescMessage | undefined): JsonObject {
  const fields = message && !freeForm.has(message.typeName) ? message.fields : [];
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const field = fields.find(({ jsonName, name }) => jsonName === key || name === key);
      return [
        unmarkKey(key),
        field?.fieldKind === "map" ? unmarkMap(item, field) : unmark(item, placeOf(field)),
      ];
    }),
  );
}

function unmarkMap(value: JsonValue, field: DescField): JsonValue {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return unmark(value, undefined);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [unmarkKey(key), unmark(item, placeOf(field))]),
  );
}

function unmarkKey(key: string): string {
  return key.startsWith(mark) ? key.slice(mark.length) : key;
}

/** What a field holds, or each item of a list, or each value of a map. */
function placeOf(field: DescField | undefined): Place {
  if (field?.message) return field.message;
  return field?.scalar !== undefined && integers.has(field.scalar) ? "integer" : undefined;
}

const integers = new Set<ScalarType>([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);
const integerWrappers = new Set(["google.protobuf.Int64Value", "google.protobuf.UInt64Value"]);
/** Their JSON form does not follow their fields. */
const freeForm = new Set([
  "google.protobuf.Struct",
  "google.protobuf.Value",
  "google.protobuf.ListValue",
  "google.protobuf.Any",
]);
