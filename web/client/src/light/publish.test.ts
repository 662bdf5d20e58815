import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it, vi } from "vitest";
import { HttpServer, refuse, refuseAsServer } from "../testing/http-server.js";
import { createClient } from "./client.js";

let server: HttpServer;

afterEach(() => server.stop());

const bodies = () => server.requests.map(({ body }) => JSON.parse(body));
/** Acknowledges the event that was sent. */
const ack = (response: ServerResponse) => {
  response.end(JSON.stringify({ id: bodies().at(-1)?.event.id, cursor: "c1" }));
};

describe("publish", () => {
  it("sends the data as it is, with an id of its own", async () => {
    server = await HttpServer.start(ack);
    const client = createClient({ url: `${server.url}/`, key: "k", tenant: "acme" });
    const time = new Date("2026-01-31T09:00:00.125Z");
    const answer = await client.publish("order.created", { total: 1 }, { subject: "42", time });
    expect(answer).toEqual({ id: bodies()[0]?.event.id, cursor: "c1", duplicate: false });
    expect(bodies()).toEqual([
      {
        tenant: "acme",
        event: {
          id: expect.stringMatching(/^evt_/),
          type: "order.created",
          data: { total: 1 },
          subject: "42",
          time: "2026-01-31T09:00:00.125Z",
        },
      },
    ]);
    expect(server.requests[0]?.url.pathname).toBe("/postrider.v1.EventService/Publish");
    expect(server.requests[0]?.headers).toMatchObject({
      authorization: "Bearer k",
      "content-type": "application/json",
    });
  });

  it("is repeated with the same id", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    server = await HttpServer.start(
      (response) => response.destroy(),
      refuse(503),
      refuse(429, {
        code: "resource_exhausted",
        details: [{ debug: { reason: "OVERLOADED" } }],
      }),
      ack,
    );
    await createClient({ url: server.url }).publish("order.created", {});
    const ids = bodies().map(({ event }) => event.id);
    expect(ids).toHaveLength(4);
    expect(new Set(ids).size).toBe(1);
  });

  it("asks for a fresh token once when it is refused", async () => {
    const refused = refuseAsServer(401, "unauthenticated");
    server = await HttpServer.start(refused, ack, refused);
    const stale: unknown[] = [];
    const client = createClient({ url: server.url, token: (old) => `t${stale.push(old)}` });
    await client.publish("order.created", {});
    expect(stale).toEqual([undefined, "t1"]);
    await expect(client.publish("order.created", {})).rejects.toMatchObject({
      code: "unauthenticated",
    });
    expect(server.requests).toHaveLength(4);
  });

  it("throws what the server refuses", async () => {
    server = await HttpServer.start(refuseAsServer(409, "already_exists", "twice"));
    const twice = createClient({ url: server.url }).publish("order.created", {}, { id: "a" });
    await expect(twice).rejects.toMatchObject({ code: "already_exists", message: "twice" });
  });

  it("is given up with the signal's reason", async () => {
    server = await HttpServer.start(() => {});
    const abort = new AbortController();
    const call = createClient({ url: server.url }).publish("order.created", {}, abort);
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    abort.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
  });

  it("does not wait for a token that never comes once it is given up", async () => {
    server = await HttpServer.start(ack);
    const abort = new AbortController();
    const client = createClient({ url: server.url, token: () => new Promise(() => {}) });
    const { signal } = abort;
    const published = client.publish("order.created", {}, { signal });
    abort.abort(new TypeError("mine"));
    await expect(published).rejects.toThrow("mine");
  });
});
