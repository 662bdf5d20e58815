import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/* Reads fields of a message by their numbers, where its generated code would weigh too much. */

/** One field as it comes over the wire. */
export interface WireField {
  number: number;
  value: Uint8Array | bigint;
}

/** All varint and length-delimited fields, in their order. */
export function readFields(message: Uint8Array): WireField[] {
  const reader = new BinaryReader(message);
  const fields: WireField[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (wireType === WireType.LengthDelimited) fields.push({ number, value: reader.bytes() });
    else if (wireType === WireType.Varint) fields.push({ number, value: BigInt(reader.uint64()) });
    else reader.skip(wireType, number);
  }
  return fields;
}

/** All messages, strings or byte strings in a field. */
export function readMessages(message: Uint8Array, wanted: number): Uint8Array[] {
  return readFields(message).flatMap(({ number, value }) =>
    number === wanted && typeof value !== "bigint" ? [value] : [],
  );
}

/** A string field; empty when it is absent. */
export function readText(message: Uint8Array, wanted: number): string {
  const bytes = readMessages(message, wanted).at(-1);
  return bytes ? decodeText(bytes) : "";
}

/** An integer field below 2^53; 0 when it is absent. */
export function readNumber(message: Uint8Array, wanted: number): number {
  const field = readFields(message)
    .reverse()
    .find(({ number }) => number === wanted);
  return typeof field?.value === "bigint" ? Number(field.value) : 0;
}

export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
