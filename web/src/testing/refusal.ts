import { type Code, ConnectError } from "@connectrpc/connect";

/** What the server itself refuses: its errors name its domain, while those of a proxy do not and are waited out. */
export function refusal(text: string, code: Code): ConnectError {
  const error = new ConnectError(text, code);
  const value = new TextEncoder().encode("\x0a\x0bUNSPECIFIED\x12\x09postrider");
  error.details.push({ type: "google.rpc.ErrorInfo", value });
  return error;
}
