import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";

type Value = string | number | BinaryWriter;

/** A message of the given fields, as it comes over the wire. */
export function message(...fields: [number, Value][]): BinaryWriter {
  const writer = new BinaryWriter();
  for (const [number, value] of fields) {
    if (typeof value === "number") writer.tag(number, WireType.Varint).uint64(value);
    else if (typeof value === "string") writer.tag(number, WireType.LengthDelimited).string(value);
    else writer.tag(number, WireType.LengthDelimited).bytes(value.finish());
  }
  return writer;
}

/** An error as a server sends it, with details. */
export function serverError(
  text: string,
  code: Code,
  details: Record<string, BinaryWriter> = {},
): ConnectError {
  const error = new ConnectError(text, code);
  for (const [type, writer] of Object.entries(details)) {
    error.details.push({ type, value: writer.finish() });
  }
  return error;
}

/** A google.rpc.ErrorInfo. */
export const errorInfo = (reason: string) => message([1, reason], [2, "postrider"]);

/** What the server itself refuses: its errors name its domain, those of a proxy do not. */
export const refused = (text: string, code: Code) =>
  serverError(text, code, { "google.rpc.ErrorInfo": errorInfo("UNSPECIFIED") });

export const overloaded = (seconds: number) =>
  serverError("too much is queued", Code.ResourceExhausted, {
    "google.rpc.ErrorInfo": errorInfo("OVERLOADED"),
    "google.rpc.RetryInfo": message([1, message([1, seconds], [2, 500_000_000])]),
  });
