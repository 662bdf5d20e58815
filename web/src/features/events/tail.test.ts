import { Code, ConnectError, createClient as createRpc } from "@connectrpc/connect";
import { createClient } from "@postrider/client";
import { cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EventService, PayloadFormat } from "#gen/postrider/v1/event_pb";
import { heartbeatMs } from "@/live/state";
import { cursorAt, FakeServer } from "@/testing/fake-server";
import { readFilter } from "./filter";
import { EventTail, rowLimit } from "./tail";
import { useTailStream } from "./tail-stream";

/** Two heartbeats and a bit. */
const silenceLimitMs = heartbeatMs * 2.5;
let server: FakeServer;

function newTail(search = {}) {
  return new EventTail(createRpc(EventService, server.transport), "", readFilter(search));
}

async function startedTail(search = {}) {
  const tail = newTail(search);
  await loaded(tail);
  await follow(tail);
  return tail;
}

async function follow(tail: EventTail) {
  const client = createClient({ transport: server.transport });
  renderHook(() => useTailStream(client, tail, true));
  await settle();
}

async function loaded(tail: EventTail) {
  const loading = tail.load(new AbortController().signal);
  await settle();
  await loading;
}

/** Lets everything under way arrive and be shown. */
const settle = () => vi.advanceTimersByTimeAsync(100);

const texts = (tail: EventTail) =>
  tail.view.get().rows.map((row) => (row.kind === "event" ? row.event.id : `gap: ${row.message}`));

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

describe("EventTail", () => {
  it("begins the stream at the cursor the history was read at", async () => {
    server.publish("order.created", "{}");
    server.publish("order.paid", "{}");
    const tail = newTail({ types: "order.*" });
    await loaded(tail);
    // Published between the list and the stream.
    server.publish("order.created", "{}");
    await follow(tail);
    expect(texts(tail)).toEqual(["evt_3", "evt_2", "evt_1"]);
    expect(server.subscribes[0]).toMatchObject({
      start: cursorAt(2),
      types: ["order.*"],
      payloadFormat: PayloadFormat.JSON,
      heartbeatInterval: { seconds: 5n },
    });
  });

  it("resumes by the last cursor, a heartbeat's too, and shows no row twice", async () => {
    const tail = await startedTail();
    const first = server.publish("a", "{}");
    await settle();
    server.push({ cursor: cursorAt(1), message: { case: "heartbeat", value: {} } });
    await settle();
    server.breakStreams();
    server.publish("b", "{}");
    await vi.advanceTimersByTimeAsync(2000);
    // The server repeats itself.
    server.push({ cursor: first.cursor, message: { case: "event", value: first } });
    await settle();
    expect(texts(tail)).toEqual(["evt_2", "evt_1"]);
    expect(server.subscribes.map(({ start }) => start)).toEqual([cursorAt(0), cursorAt(1)]);
  });

  it("reconnects when heartbeats stay away", async () => {
    await startedTail();
    expect(server.subscribes).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(silenceLimitMs + 1000);
    expect(server.subscribes.length).toBeGreaterThanOrEqual(2);
    expect(server.openStreams).toBe(1);
  });

  it("shows a gap where events are missing, at the beginning of a stream too", async () => {
    const tail = await startedTail();
    server.publish("a", "{}");
    server.push({ cursor: cursorAt(9), message: { case: "gap", value: { message: "retention" } } });
    server.push({
      cursor: cursorAt(9),
      message: { case: "begin", value: { gap: { message: "log replaced" } } },
    });
    await settle();
    expect(texts(tail)).toEqual(["gap: log replaced", "gap: retention", "evt_1"]);
  });

  it("holds what arrives while paused, counts it, and shows it on resume", async () => {
    const tail = await startedTail();
    server.publish("a", "{}");
    await settle();
    tail.pause();
    server.publish("b", "{}");
    server.publish("c", "{}");
    await settle();
    expect(texts(tail)).toEqual(["evt_1"]);
    expect(tail.view.get()).toMatchObject({ paused: true, held: 2 });
    tail.resume();
    expect(texts(tail)).toEqual(["evt_3", "evt_2", "evt_1"]);
    expect(tail.view.get()).toMatchObject({ paused: false, held: 0 });
  });

  it("leaves out other subjects, which the stream cannot filter", async () => {
    const tail = await startedTail({ subject: "order/1" });
    server.publish("a", "{}", { subject: "order/1" });
    server.publish("a", "{}", { subject: "order/2" });
    await settle();
    expect(texts(tail)).toEqual(["evt_1"]);
  });

  it("loads older pages without repeating a row", async () => {
    for (let i = 0; i < 450; i++) server.publish("a", "{}");
    const tail = await startedTail();
    expect(tail.view.get().rows).toHaveLength(200);
    await Promise.all([tail.loadOlder(), tail.loadOlder(), settle()]);
    expect(tail.view.get().rows).toHaveLength(400);
    await Promise.all([tail.loadOlder(), settle()]);
    expect(tail.view.get()).toMatchObject({ hasOlder: false, trimmed: false });
    expect(new Set(texts(tail)).size).toBe(450);
  });

  it("keeps the newest rows when there are too many, also while paused", async () => {
    const tail = await startedTail();
    tail.pause();
    for (let i = 0; i < rowLimit * 2 + 10; i++) server.publish("a", "{}");
    await vi.advanceTimersByTimeAsync(1000);
    expect(tail.view.get().held).toBe(rowLimit * 2 + 10);
    tail.resume();
    expect(tail.view.get().rows).toHaveLength(rowLimit);
    expect(tail.view.get()).toMatchObject({ trimmed: true, hasOlder: false });
    expect(texts(tail)[0]).toBe(`evt_${rowLimit * 2 + 10}`);
  });

  it("says why the history could not be read, and reads it when asked again", async () => {
    server.publish("a", "{}");
    server.failWith("ListEvents", new ConnectError("disk I/O error", Code.Internal));
    const tail = newTail();
    await loaded(tail);
    expect(tail.view.get().phase).toBe("failed");
    server.failWith("ListEvents");
    await loaded(tail);
    expect(tail.view.get().phase).toBe("ready");
    expect(texts(tail)).toEqual(["evt_1"]);
  });
});
