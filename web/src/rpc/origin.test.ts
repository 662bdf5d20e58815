import { describe, expect, it } from "vitest";
import { isOfServer } from "./origin";

const respond = (status: number, type: string, body = "") =>
  new Response(body, { status, headers: { "Content-Type": type } });

/** ErrorInfo { reason: "UNAUTHENTICATED", domain } */
const info = (domain: string) => {
  const field = (number: number, text: string) =>
    String.fromCharCode((number << 3) | 2, text.length) + text;
  const value = btoa(field(1, "UNAUTHENTICATED") + field(2, domain)).replaceAll("=", "");
  return `{"code":"unauthenticated","details":[{"type":"google.rpc.ErrorInfo","value":"${value}"}]}`;
};

describe("isOfServer", () => {
  it.each([
    ["a message", respond(200, "application/proto")],
    ["a stream", respond(200, "application/connect+proto")],
    ["a deadline", respond(504, "application/json", '{"code":"deadline_exceeded"}')],
    ["an error", respond(401, "application/json", info("postrider"))],
  ])("knows %s", async (_, response) => {
    expect(await isOfServer(response)).toBe(true);
  });

  it.each([
    ["a page with status 200", respond(200, "text/html; charset=utf-8", "<h1>Sign in</h1>")],
    ["a page with status 502", respond(502, "text/html", "<h1>Bad gateway</h1>")],
    ["a missing file", respond(404, "text/plain", "404 page not found\n")],
    ["JSON of a gateway", respond(401, "application/json", '{"message":"no token"}')],
    ["a code alone", respond(401, "application/json", '{"code":"unauthenticated"}')],
    ["an error of another service", respond(401, "application/json", info("gateway.example"))],
    [
      "details without a domain",
      respond(401, "application/json", '{"code":"unauthenticated","details":[{}]}'),
    ],
    [
      "a detail that cannot be read",
      respond(
        401,
        "application/json",
        '{"details":[{"type":"google.rpc.ErrorInfo","value":"%%%"}]}',
      ),
    ],
    ["JSON that is cut off", respond(401, "application/json", '{"code":"unauth')],
    ["JSON with status 200", respond(200, "application/json", '{"code":"ok","details":[]}')],
    ["nothing", new Response(null, { status: 204 })],
  ])("does not take %s for a response of the server", async (_, response) => {
    expect(await isOfServer(response)).toBe(false);
  });

  it("leaves the error to be read", async () => {
    const text = info("postrider");
    const response = respond(404, "application/json", text);
    await isOfServer(response);
    expect(await response.text()).toBe(text);
  });
});
