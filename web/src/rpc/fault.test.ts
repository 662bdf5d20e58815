import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { ViolationsSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { ErrorReason } from "#gen/postrider/v1/error_pb";
import { badRequest } from "@/testing/bad-request";
import { readFault } from "./fault";

function failure(code: Code, ...details: { type: string; value: Uint8Array }[]): ConnectError {
  const error = new ConnectError("the request is invalid", code);
  error.details.push(...details);
  return error;
}

function errorInfo(reason: string) {
  const value = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(reason)
    .tag(2, WireType.LengthDelimited)
    .string("postrider")
    .finish();
  return { type: "google.rpc.ErrorInfo", value };
}

describe("readFault", () => {
  it("reads buf.validate.Violations with the path of each field", () => {
    const violations = create(ViolationsSchema, {
      violations: [
        {
          message: "does not match the pattern",
          field: {
            elements: [
              { fieldName: "subscription" },
              { fieldName: "filter" },
              { fieldName: "types", subscript: { case: "index", value: 1n } },
            ],
          },
        },
        {
          ruleId: "string.max_len",
          field: {
            elements: [{ fieldName: "headers", subscript: { case: "stringKey", value: "X-A" } }],
          },
        },
      ],
    });
    const value = toBinary(ViolationsSchema, violations);
    expect(
      readFault(failure(Code.InvalidArgument, { type: "buf.validate.Violations", value })).fields,
    ).toEqual([
      { path: "subscription.filter.types[1]", message: "Does not match the pattern." },
      { path: 'headers["X-A"]', message: "String.max_len." },
    ]);
  });

  it("reads google.rpc.BadRequest, and each field once", () => {
    const detail = badRequest({ "subscription.target.webhook.url": "address 10.0.0.1 is refused" });
    expect(readFault(failure(Code.InvalidArgument, detail, detail)).fields).toEqual([
      { path: "subscription.target.webhook.url", message: "Address 10.0.0.1 is refused." },
    ]);
  });

  it("reads the reason, and takes an unknown one for none", () => {
    expect(readFault(failure(Code.AlreadyExists, errorInfo("NAME_TAKEN"))).reason).toBe(
      ErrorReason.NAME_TAKEN,
    );
    expect(readFault(failure(Code.AlreadyExists, errorInfo("OF_TOMORROW"))).reason).toBe(
      ErrorReason.UNSPECIFIED,
    );
  });

  it("tells an unreachable server from one that answers", () => {
    const unreachable = new ConnectError("fetch failed", Code.Unavailable);
    expect(readFault(unreachable)).toMatchObject({ unreachable: true });
    expect(readFault(failure(Code.Internal))).toMatchObject({
      unreachable: false,
      message: "The request is invalid.",
    });
  });
});
