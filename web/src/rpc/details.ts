import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/*
 * google.rpc.BadRequest and google.rpc.ErrorInfo have no generated TypeScript here. Two messages of strings do not
 * justify vendoring google/rpc, so they are read off the wire by field number.
 */

export interface FieldViolation {
  field: string;
  description: string;
}

/** BadRequest { repeated FieldViolation field_violations = 1 { string field = 1; string description = 2; } } */
export function readBadRequest(bytes: Uint8Array): FieldViolation[] {
  return lengthDelimited(bytes)
    .filter(([number]) => number === 1)
    .map(([, violation]) => ({ field: text(violation, 1), description: text(violation, 2) }));
}

/** ErrorInfo { string reason = 1; string domain = 2; } */
export function readErrorInfo(bytes: Uint8Array): { reason: string; domain: string } {
  return { reason: text(bytes, 1), domain: text(bytes, 2) };
}

function text(bytes: Uint8Array, number: number): string {
  const field = lengthDelimited(bytes).find(([found]) => found === number);
  return field ? new TextDecoder().decode(field[1]) : "";
}

function lengthDelimited(bytes: Uint8Array): [number, Uint8Array][] {
  const reader = new BinaryReader(bytes);
  const fields: [number, Uint8Array][] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (wireType === WireType.LengthDelimited) fields.push([number, reader.bytes()]);
    else reader.skip(wireType, number);
  }
  return fields;
}
