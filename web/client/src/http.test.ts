import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OrderCreatedSchema } from "../examples/gen/shop/v1/order_pb.js";
import { createClient } from "./client.js";
import { HttpServer, refuse } from "./testing/http-server.js";

/** google.rpc.ErrorInfo of our domain. */
const ours = { type: "google.rpc.ErrorInfo", value: btoa("\x0a\x01X\x12\x09postrider") };

let server: HttpServer;

beforeEach(() => {
  vi.spyOn(Math, "random").mockReturnValue(0);
});
afterEach(() => server.stop());

/** What a subscription says about the first try, before it is closed. */
async function firstTry(): Promise<{ code: string; wait: number }> {
  const client = createClient({ url: server.url, key: "k" });
  return new Promise((resolve, reject) => {
    const subscription = client.subscribe([OrderCreatedSchema], {
      onRetry: ({ code }, wait) => {
        subscription.close();
        resolve({ code, wait });
      },
      onEvent: () => {},
      onEnd: reject,
    });
  });
}

describe("a subscription through a proxy", () => {
  it.each([500, 502, 503, 504, 520, 524])("tries again after %d", async (status) => {
    server = await HttpServer.start(refuse(status, "<html>"));
    expect(await firstTry()).toEqual({ code: "unavailable", wait: 0 });
  });

  it.each([429, 503])("waits as long as the header of %d asks for", async (status) => {
    server = await HttpServer.start(refuse(status, "<html>", { "Retry-After": "7" }));
    expect(await firstTry()).toEqual({ code: "unavailable", wait: 7000 });
  });
});

describe("publish", () => {
  it("is repeated when a proxy cannot reach the server", async () => {
    const [stored, signal] = ["answered", AbortSignal.timeout(10_000)];
    server = await HttpServer.start(
      refuse(520, "<html>"),
      refuse(500, "<html>"),
      refuse(
        400,
        { code: "invalid_argument", message: stored, details: [ours] },
        { "Content-Type": "application/json" },
      ),
    );
    const client = createClient({ url: server.url, key: "k" });
    const published = client.publish(OrderCreatedSchema, { orderId: "1" }, { signal });
    await expect(published).rejects.toMatchObject({ code: "invalid_argument", message: stored });
    expect(server.requests).toHaveLength(3);
  });

  it("does not wait for a token that never comes once it is given up", async () => {
    server = await HttpServer.start(refuse(503));
    const abort = new AbortController();
    const { signal } = abort;
    const client = createClient({ url: server.url, token: () => new Promise(() => {}) });
    const published = client.publish(OrderCreatedSchema, { orderId: "1" }, { signal });
    abort.abort(new TypeError("mine"));
    await expect(published).rejects.toThrow("mine");
  });
});
