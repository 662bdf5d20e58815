import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OrderCreatedSchema } from "../examples/gen/shop/v1/order_pb.js";
import { createClient } from "./client.js";
import { createClient as createLightClient } from "./light/client.js";
import { HttpServer, refuse, stream } from "./testing/http-server.js";

/*
 * Regression (issue 8, 20): what a proxy answered during a redeploy was taken for the server's refusal. Streams ended, and
 * publishes were lost or counted as stored.
 */

let server: HttpServer;

beforeEach(() => {
  vi.spyOn(Math, "random").mockReturnValue(0);
});
afterEach(() => server.stop());

const html = { "Content-Type": "text/html" };
const json = { "Content-Type": "application/json" };
const page = "<!doctype html><title>Sign in</title>";
const foreignInfo = {
  type: "google.rpc.ErrorInfo",
  value: btoa("\x0a\x01X\x12\x05other"),
  debug: { reason: "X", domain: "other" },
};

/** What comes in place of the server's answer, whatever was asked. */
const pages: [string, Parameters<typeof HttpServer.start>[0]][] = [
  ...[200, 400, 401, 403, 404, 405, 409, 413, 429, 500, 501, 502, 520].map(
    (status): [string, ReturnType<typeof refuse>] => [
      `a page with ${status}`,
      refuse(status, page, html),
    ],
  ),
  ["a way to a login", refuse(302, page, { ...html, Location: "/login" })],
  ["a way to another host", refuse(307, page, { ...html, Location: "http://127.0.0.1:1/" })],
  ["nothing", refuse(204)],
  ["another API's error", refuse(403, { message: "no route" }, json)],
  ["another service's refusal", refuse(403, { code: "permission_denied", message: "no" }, json)],
  ["a known API's refusal", refuse(403, { code: "not_found", details: [foreignInfo] }, json)],
  ["broken JSON", refuse(400, "{", json)],
  ["an error that is a list", refuse(400, [null], json)],
  ["details that are none", refuse(400, { code: "aborted", details: [null] }, json)],
  ["half an answer", (response) => response.socket?.end("HTTP/1.1 200 OK\r\nContent-")],
];

const proto = { "Content-Type": "application/proto" };
const acks: typeof pages = [
  ["no acknowledgement", refuse(200, "", proto)],
  ["half a message", refuse(200, "\x0a\x40half", proto)],
  ["the acknowledgement of another event", refuse(200, "\x0a\x01x\x12\x01y", proto)],
  ["a message of another form", refuse(200, "{}", json)],
];
const lightAcks: typeof pages = [
  ["no acknowledgement", refuse(200, "{}", json)],
  ["null", refuse(200, "null", json)],
  ["half a message", refuse(200, '{"id":', json)],
  ["the acknowledgement of another event", refuse(200, { id: "x", cursor: "y" }, json)],
];

const envelopes = { "Content-Type": "application/connect+proto" };
const streams: typeof pages = [
  ["no messages", refuse(200, "", envelopes)],
  ["half a message", refuse(200, "\0\0\0\0\x40half", envelopes)],
  ["an end without a beginning", refuse(200, "\x02\0\0\0\x02{}", envelopes)],
  ["a stream that begins in the middle", refuse(200, "\0\0\0\0\x02\x0a\0", envelopes)],
  [
    "another service's end",
    refuse(200, '\x02\0\0\0\x20{"error":{"code":"unauthenticated"}}', envelopes),
  ],
];
const lightStreams: typeof pages = [
  ["no messages", refuse(200, "", { "Content-Type": "text/event-stream" })],
  ["another stream", stream('id: 9\ndata: {"id":"evt_x","type":"order.created"}\n\n')],
  ["a stream of texts", stream("data: hello\n\n")],
];

const signal = () => AbortSignal.timeout(15_000);
const orders = () =>
  createClient({ url: server.url, key: "k" }).subscribe([OrderCreatedSchema], {
    signal: signal(),
    start: "c0",
  });
const lightOrders = () =>
  createLightClient({ url: server.url }).subscribe(["*"], { signal: signal(), start: "c0" });

/** Resolves when a stream has failed three times and tries once more; rejects when it has ended. */
function goesOn(subscription: ReturnType<typeof orders | typeof lightOrders>): Promise<void> {
  return new Promise((resolve, reject) => {
    subscription.next().then(() => reject(new Error("it brought an event")), reject);
    const poll = setInterval(() => {
      if (server.requests.length < 4) return;
      clearInterval(poll);
      subscription.close();
      resolve();
    }, 5);
  });
}

describe("a publish outlasts", () => {
  it.each([...pages, ...acks])("%s", async (_, wrong) => {
    const ack = refuse(200, "\x0a\x01a\x12\x02c1", proto);
    server = await HttpServer.start(wrong as never, wrong as never, wrong as never, ack);
    const client = createClient({ url: server.url, key: "k" });
    const published = client.publish(
      OrderCreatedSchema,
      { orderId: "1" },
      { id: "a", signal: signal() },
    );
    expect(await published).toEqual({ id: "a", cursor: "c1", duplicate: false });
    expect(server.requests).toHaveLength(4);
  });
});

describe("a publish of the light client outlasts", () => {
  it.each([...pages, ...lightAcks])("%s", async (_, wrong) => {
    const ack = refuse(200, { id: "a", cursor: "c1" }, json);
    server = await HttpServer.start(wrong as never, wrong as never, wrong as never, ack);
    const client = createLightClient({ url: server.url });
    const published = client.publish("order.created", {}, { id: "a", signal: signal() });
    expect(await published).toEqual({ id: "a", cursor: "c1", duplicate: false });
    expect(server.requests).toHaveLength(4);
  });
});

describe("a stream outlasts", () => {
  it.each([...pages, ...streams])("%s", async (_, wrong) => {
    server = await HttpServer.start(wrong as never);
    await goesOn(orders());
  });
});

describe("a stream of the light client outlasts", () => {
  it.each([...pages, ...lightStreams])("%s, and keeps its place", async (_, wrong) => {
    server = await HttpServer.start(wrong as never);
    await goesOn(lightOrders());
    expect(new Set(server.parameters("start"))).toEqual(new Set(["c0"]));
  });
});
