import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { errorOf } from "./rpc-error.js";
import { errorInfo, message, overloaded, refused, serverError } from "./testing/detail.js";

describe("errorOf", () => {
  it("names the code, the reason and every field that breaks a rule", () => {
    const path = message(
      [1, message([1, 2], [2, "event"])],
      [1, message([2, "data"])],
      [1, message([2, "lines"], [6, 3])],
      [1, message([2, "labels"], [10, 'a."b'])],
    );
    const error = errorOf(
      serverError("no good", Code.InvalidArgument, {
        "google.rpc.ErrorInfo": errorInfo("SCHEMA_VIOLATION"),
        "buf.validate.Violations": message(
          [1, message([5, path], [2, "string.min_len"], [3, "too short"])],
          [
            1,
            message(
              [5, message([1, message([2, "note"])])],
              [2, "string.max_len"],
              [3, "too long"],
            ),
          ],
        ),
      }),
    );
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      code: "invalid_argument",
      reason: "SCHEMA_VIOLATION",
      message: "no good",
      violations: [
        {
          field: 'event.data.lines[3].labels["a.\\"b"]',
          rule: "string.min_len",
          message: "too short",
        },
        { field: "note", rule: "string.max_len", message: "too long" },
      ],
    });
  });

  it("reads BadRequest too, the first word on each field", () => {
    const violation = (field: string) => message([1, field], [2, "is wrong"], [3, "some.rule"]);
    const error = errorOf(
      serverError("no", Code.InvalidArgument, {
        "buf.validate.Violations": message([
          1,
          message([5, message([1, message([2, "a"])])], [3, "first"]),
        ]),
        "google.rpc.BadRequest": message([1, violation("a")], [1, violation("b")]),
      }),
    );
    expect(error.violations).toEqual([
      { field: "a", rule: "", message: "first" },
      { field: "b", rule: "some.rule", message: "is wrong" },
    ]);
  });

  it("says how long the server asks to wait", () => {
    expect(errorOf(overloaded(3))).toMatchObject({
      reason: "OVERLOADED",
      retryDelayMs: 3500,
    });
  });

  it("has a reason only when the server gave one", () => {
    const cause = new TypeError("fetch failed");
    const error = errorOf(cause);
    expect(error).toMatchObject({ code: "unavailable", reason: undefined, violations: [], cause });
    expect(errorOf(error)).toBe(error);
  });

  it("has a name for every code", () => {
    const names = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16].map(
      (code) => errorOf(refused("", code)).code,
    );
    expect(names).toEqual([
      "canceled",
      "unknown",
      "invalid_argument",
      "deadline_exceeded",
      "not_found",
      "already_exists",
      "permission_denied",
      "resource_exhausted",
      "failed_precondition",
      "aborted",
      "out_of_range",
      "unimplemented",
      "internal",
      "unavailable",
      "data_loss",
      "unauthenticated",
    ]);
  });
});
