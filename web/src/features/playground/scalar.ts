import { ScalarType } from "@bufbuild/protobuf";

const bits31 = 2n ** 31n;
const bits32 = 2n ** 32n;
const bits63 = 2n ** 63n;
const bits64 = 2n ** 64n;

/** The least and the greatest number of each integer type. */
const ranges: Partial<Record<ScalarType, [least: bigint, greatest: bigint]>> = {
  [ScalarType.INT32]: [-bits31, bits31 - 1n],
  [ScalarType.SINT32]: [-bits31, bits31 - 1n],
  [ScalarType.SFIXED32]: [-bits31, bits31 - 1n],
  [ScalarType.UINT32]: [0n, bits32 - 1n],
  [ScalarType.FIXED32]: [0n, bits32 - 1n],
  [ScalarType.INT64]: [-bits63, bits63 - 1n],
  [ScalarType.SINT64]: [-bits63, bits63 - 1n],
  [ScalarType.SFIXED64]: [-bits63, bits63 - 1n],
  [ScalarType.UINT64]: [0n, bits64 - 1n],
  [ScalarType.FIXED64]: [0n, bits64 - 1n],
};

const names: Record<ScalarType, string> = {
  [ScalarType.DOUBLE]: "double",
  [ScalarType.FLOAT]: "float",
  [ScalarType.INT64]: "int64",
  [ScalarType.UINT64]: "uint64",
  [ScalarType.INT32]: "int32",
  [ScalarType.FIXED64]: "fixed64",
  [ScalarType.FIXED32]: "fixed32",
  [ScalarType.BOOL]: "bool",
  [ScalarType.STRING]: "string",
  [ScalarType.BYTES]: "bytes",
  [ScalarType.UINT32]: "uint32",
  [ScalarType.SFIXED32]: "sfixed32",
  [ScalarType.SFIXED64]: "sfixed64",
  [ScalarType.SINT32]: "sint32",
  [ScalarType.SINT64]: "sint64",
};

export function scalarName(scalar: ScalarType): string {
  return names[scalar];
}

export function isInteger(scalar: ScalarType): boolean {
  return scalar in ranges;
}

/** Whether JSON has it as a string, because most parsers would round a number. */
export function isLong(scalar: ScalarType): boolean {
  const range = ranges[scalar];
  return range !== undefined && range[1] >= bits32;
}

export function isFloat(scalar: ScalarType): boolean {
  return scalar === ScalarType.DOUBLE || scalar === ScalarType.FLOAT;
}

const integer = /^[+-]?\d+$/;
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const endless = /^(NaN|-?Infinity)$/;
const base64 = /^(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2}(==)?|[A-Za-z0-9+/_-]{3}=?)?$/;
const greatestFloat = 3.4028235677973366e38;

/** Why the text is no value of the type, for the person who typed it. */
export function scalarFault(scalar: ScalarType, text: string): string | undefined {
  const range = ranges[scalar];
  if (range) return integerFault(text.trim(), range);
  if (isFloat(scalar)) return floatFault(text.trim(), scalar);
  if (scalar === ScalarType.BYTES && !base64.test(text.trim())) return "Write Base64.";
  return undefined;
}

function integerFault(text: string, [least, greatest]: [bigint, bigint]): string | undefined {
  if (!integer.test(text)) return "Write a whole number.";
  const value = BigInt(text.replace("+", ""));
  if (value < least) return `Write ${least} or more.`;
  if (value > greatest) return `Write ${greatest} or less.`;
  return undefined;
}

function floatFault(text: string, scalar: ScalarType): string | undefined {
  if (endless.test(text)) return undefined;
  if (!decimal.test(text)) return "Write a number, NaN, Infinity or -Infinity.";
  const size = Math.abs(Number(text));
  const limit = scalar === ScalarType.FLOAT ? greatestFloat : Number.POSITIVE_INFINITY;
  return size < limit ? undefined : `That is too large for a ${names[scalar]}.`;
}

/** The JSON text of a value that has no fault. Digits are kept: nothing goes through a double. */
export function scalarJson(scalar: ScalarType, text: string): string {
  const trimmed = text.trim();
  if (isInteger(scalar)) {
    const digits = integerText(trimmed);
    return isLong(scalar) ? `"${digits}"` : digits;
  }
  if (isFloat(scalar)) return endless.test(trimmed) ? `"${trimmed}"` : decimalText(trimmed);
  return JSON.stringify(scalar === ScalarType.BYTES ? trimmed : text);
}

/** An integer as programs write it: without a plus or leading zeros. */
export function integerText(text: string): string {
  return BigInt(text.trim().replace("+", "")).toString();
}

/** A decimal as JSON and programs write it: without a plus, and with a digit on both sides of the point. */
export function decimalText(text: string): string {
  const number = text.trim().replace(/^\+/, "");
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(number) ? number : String(Number(number));
}
