import { fromBinary } from "@bufbuild/protobuf";
import {
  type FieldPath,
  ViolationsSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { type Code, ConnectError } from "@connectrpc/connect";
import { ErrorReason } from "#gen/postrider/v1/error_pb";
import { readBadRequest, readErrorInfo } from "./details";
import { isUnreachable } from "./transport";

/** One field of a request that breaks a rule. */
export interface FieldFault {
  /** As the server names it, for example "subscription.filter.types[1]". */
  path: string;
  message: string;
}

/** An error as the UI shows it. */
export interface Fault {
  code: Code;
  reason: ErrorReason;
  /** For a person. */
  message: string;
  fields: FieldFault[];
  /** The server could not be reached, so nothing is known of the outcome. */
  unreachable: boolean;
}

/** Reads whatever a call threw: code, message, reason and the fields it names. */
export function readFault(cause: unknown): Fault {
  const error = ConnectError.from(cause);
  const unreachable = isUnreachable(error);
  return {
    code: error.code,
    reason: readReason(error),
    message: unreachable ? "The server cannot be reached." : sentence(error.rawMessage),
    fields: readFields(error),
    unreachable,
  };
}

function readReason(error: ConnectError): ErrorReason {
  for (const value of detailsOf(error, "google.rpc.ErrorInfo")) {
    const name = readErrorInfo(value).reason;
    if (name in ErrorReason) return ErrorReason[name as keyof typeof ErrorReason];
  }
  return ErrorReason.UNSPECIFIED;
}

function readFields(error: ConnectError): FieldFault[] {
  const violations = detailsOf(error, "buf.validate.Violations").flatMap((value) =>
    fromBinary(ViolationsSchema, value).violations.map((violation) => ({
      path: pathText(violation.field),
      message: sentence(violation.message || violation.ruleId),
    })),
  );
  const badRequest = detailsOf(error, "google.rpc.BadRequest").flatMap((value) =>
    readBadRequest(value).map(({ field, description }) => ({
      path: field,
      message: sentence(description),
    })),
  );
  return unique([...violations, ...badRequest]);
}

function detailsOf(error: ConnectError, type: string): Uint8Array[] {
  return error.details.flatMap((detail) =>
    "type" in detail && "value" in detail && detail.type === type ? [detail.value] : [],
  );
}

/** The first word on each field: both kinds of detail may name the same one. */
function unique(faults: FieldFault[]): FieldFault[] {
  const seen = new Set<string>();
  return faults.filter(({ path }) => !seen.has(path) && seen.add(path));
}

function pathText(path: FieldPath | undefined): string {
  let text = "";
  for (const element of path?.elements ?? []) {
    text += text === "" ? element.fieldName : `.${element.fieldName}`;
    const { case: kind, value } = element.subscript;
    if (kind === "stringKey") text += `[${JSON.stringify(value)}]`;
    else if (kind !== undefined) text += `[${String(value)}]`;
  }
  return text;
}

/** The text as a sentence: servers write errors in lower case and without a full stop. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "Something went wrong.";
  const start = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(start) ? start : `${start}.`;
}
