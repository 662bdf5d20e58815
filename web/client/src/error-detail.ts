import { decodeText, readFields, readMessages, readNumber, readText } from "./wire.js";

/*
 * The details of an error are google.rpc and buf.validate messages. Their generated code would weigh more than the rest
 * of the client, so the few fields that are wanted are read off the wire by number.
 */

/** Is in every refusal of a server, and in nobody else's. */
export const domain = "postrider";

/** One field that breaks a rule. */
export interface FieldViolation {
  /** As the server names it, for example "event.data.lines[0].quantity". */
  field: string;
  /** Id of the rule, for example "int32.gte"; empty where none has a name. */
  rule: string;
  /** For a person. */
  message: string;
}

interface Detail {
  type: string;
  value: Uint8Array;
}

/** Reads `reason` of google.rpc.ErrorInfo, of which the one that names our domain is the server's own. */
export function readReason(details: Detail[]): string | undefined {
  const info = valuesOf(details, "google.rpc.ErrorInfo").find((one) => readText(one, 2) === domain);
  return info && readText(info, 1);
}

/** Reads `retry_delay` of google.rpc.RetryInfo, in milliseconds; 0 when there is none. */
export function readRetryDelay(details: Detail[]): number {
  const [info] = valuesOf(details, "google.rpc.RetryInfo");
  const delay = info && readMessages(info, 1)[0];
  return delay ? readNumber(delay, 1) * 1000 + readNumber(delay, 2) / 1e6 : 0;
}

/** Reads buf.validate.Violations and google.rpc.BadRequest; the first word on each field counts. */
export function readViolations(details: Detail[]): FieldViolation[] {
  const violations = valuesOf(details, "buf.validate.Violations")
    .flatMap((value) => readMessages(value, 1))
    .map((violation) => ({
      field: readMessages(violation, 5).map(fieldPath)[0] ?? "",
      rule: readText(violation, 2),
      message: readText(violation, 3),
    }));
  const named = new Set(violations.map(({ field }) => field));
  const badRequest = valuesOf(details, "google.rpc.BadRequest")
    .flatMap((value) => readMessages(value, 1))
    .map((violation) => ({
      field: readText(violation, 1),
      rule: readText(violation, 3),
      message: readText(violation, 2),
    }));
  return [...violations, ...badRequest.filter(({ field }) => !named.has(field))];
}

/** buf.validate.FieldPath: names, each with at most one subscript. */
function fieldPath(path: Uint8Array): string {
  return readMessages(path, 1)
    .map((element) => readText(element, 2) + subscript(element))
    .join(".");
}

function subscript(element: Uint8Array): string {
  for (const field of readFields(element)) {
    const { value } = field;
    if (field.number === 6 || field.number === 9) return `[${value}]`;
    if (field.number === 7) return `[${value !== 0n}]`;
    if (field.number === 8) return `[${BigInt.asIntN(64, value as bigint)}]`;
    if (field.number === 10) return `[${JSON.stringify(decodeText(value as Uint8Array))}]`;
  }
  return "";
}

function valuesOf(details: Detail[], type: string): Uint8Array[] {
  return details.filter((detail) => detail.type === type).map(({ value }) => value);
}
