import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { isUnreachable } from "./transport";

test("an error with the server's details shows that the server responds", () => {
  const error = new ConnectError("the disk is full", Code.Unavailable);
  expect(isUnreachable(error)).toBe(true);
  error.details.push({ type: "google.rpc.ErrorInfo", value: new Uint8Array() });
  expect(isUnreachable(error)).toBe(false);
});
