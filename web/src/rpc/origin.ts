import { base64Decode } from "@bufbuild/protobuf/wire";
import { readErrorInfo } from "./details";

/** The media types of messages: of a unary call and of a stream. */
const messages = /^application\/(proto|connect\+proto)$/;
/** Longer than any error of the server, whose details are small. */
const longestErrorBytes = 256 << 10;

/**
 * Whether a response to a call is from the server itself. A proxy in front of it may respond with any status and body, such
 * as a page for maintenance or for signing in.
 */
export async function isOfServer(response: Response): Promise<boolean> {
  const type = response.headers.get("Content-Type")?.split(";")[0]?.trim() ?? "";
  if (messages.test(type)) return response.ok;
  return !response.ok && type === "application/json" && isError(response);
}

/** Errors of the server's RPC library, which have no details. */
const withoutDetails = ["canceled", "deadline_exceeded", "unimplemented"];

/** The server's own errors say so in a detail; JSON of a proxy does not. */
async function isError(response: Response): Promise<boolean> {
  if (Number(response.headers.get("Content-Length") ?? 0) > longestErrorBytes) return false;
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  if (typeof body !== "object" || body === null) return false;
  if ("details" in body) return Array.isArray(body.details) && body.details.some(isOwnDetail);
  return "code" in body && withoutDetails.some((code) => code === body.code);
}

function isOwnDetail(detail: unknown): boolean {
  if (typeof detail !== "object" || detail === null) return false;
  if (!("type" in detail && detail.type === "google.rpc.ErrorInfo")) return false;
  if (!("value" in detail && typeof detail.value === "string")) return false;
  try {
    return readErrorInfo(base64Decode(detail.value)).domain === "postrider";
  } catch {
    return false;
  }
}
