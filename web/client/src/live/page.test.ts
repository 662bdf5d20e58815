import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OrderCreatedSchema } from "../../examples/gen/shop/v1/order_pb.js";
import { createClient } from "../client.js";
import type { StreamOptions } from "../live/subscription.js";
import { overloaded } from "../testing/detail.js";
import { begin, FakeServer, orderAt } from "../testing/fake-server.js";
import { order } from "../testing/orders.js";
import { FakePage } from "../testing/page.js";

let server: FakeServer;
let page: FakePage;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.999);
  server = new FakeServer();
  page = new FakePage();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const tick = () => vi.advanceTimersByTimeAsync(0);
const unavailable = () => new ConnectError("stopping", Code.Unavailable);

function read(options: StreamOptions = {}) {
  const ids: string[] = [];
  const subscription = createClient({ transport: server.transport }).subscribe(
    [OrderCreatedSchema],
    { ...options, onEvent: ({ id }) => ids.push(id) },
  );
  return { subscription, ids };
}

describe("a subscription in a page", () => {
  it("says that it is offline when the network goes, and opens anew when it comes back", async () => {
    const { subscription, ids } = read();
    const feed = await server.connection(0);
    feed.push(begin("c1"));
    await tick();
    page.network(false);
    expect(subscription.status.state).toBe("offline");
    page.network(true);
    await tick();
    expect(server.subscribes.map(({ start }) => start)).toEqual(["now", "c1"]);
    const next = await server.connection(1);
    next.push(begin("c1"));
    next.push(orderAt("c2", order()));
    await tick();
    expect(ids).toEqual(["evt_c2"]);
    expect(subscription.status).toEqual({ state: "live" });
    subscription.close();
  });

  it("stays with a connection that outlives the network", async () => {
    const { subscription } = read();
    const feed = await server.connection(0);
    feed.push(begin("c1"));
    await tick();
    page.network(false);
    feed.push(orderAt("c2", order()));
    await tick();
    expect(subscription.status.state).toBe("live");
    page.network(true);
    await tick();
    expect(server.feeds).toHaveLength(1);
    subscription.close();
  });

  it("does not wait any longer when somebody looks at the page again", async () => {
    const { subscription } = read();
    for (let n = 0; n < 4; n++) {
      (await server.connection(n)).end(unavailable());
      await tick();
      expect(server.feeds).toHaveLength(n + 1);
      page.show(false);
      await tick();
      expect(server.feeds).toHaveLength(n + 1);
      page.show(true);
      await tick();
    }
    expect(server.feeds).toHaveLength(5);
    subscription.close();
  });

  it("waits all the same when the server asked for that", async () => {
    const { subscription } = read();
    (await server.connection(0)).end(overloaded(5));
    await tick();
    page.show(true);
    page.network(true);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.feeds).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(600);
    expect(server.feeds).toHaveLength(2);
    subscription.close();
  });

  it("notices by the clock that the page was asleep", async () => {
    const { subscription } = read();
    const feed = await server.connection(0);
    feed.push(begin("c1"));
    await tick();
    page.show(false);
    // The clock goes on, timers do not.
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(server.feeds).toHaveLength(1);
    page.show(true);
    await tick();
    expect(server.feeds).toHaveLength(2);
    subscription.close();
  });

  it("stays with a connection that was heard of a moment ago", async () => {
    const { subscription } = read();
    (await server.connection(0)).push(begin("c1"));
    await vi.advanceTimersByTimeAsync(9_000);
    page.show(true);
    await tick();
    expect(server.feeds).toHaveLength(1);
    subscription.close();
  });

  it("hears no more of the page once it is closed, though nobody reads on", async () => {
    const abort = new AbortController();
    const events = createClient({ transport: server.transport }).subscribe([OrderCreatedSchema], {
      signal: abort.signal,
    });
    const first = events.next();
    const feed = await server.connection(0);
    feed.push(begin("c0"));
    feed.push(orderAt("c1", order()));
    await first;
    expect(page.listeners).toBe(5);
    events.close();
    page.network(false);
    expect(events.status).toEqual({ state: "ended" });
    expect([page.listeners, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it("leaves no listener and no timer behind, however often it reconnects", async () => {
    const abort = new AbortController();
    const { subscription } = read({ signal: abort.signal });
    for (let n = 0; n < 100; n++) {
      const feed = await server.connection(n);
      feed.push(begin("c1"));
      await tick();
      feed.end(unavailable());
      await vi.advanceTimersByTimeAsync(15_000);
      expect(page.listeners).toBe(5);
    }
    await server.connection(100);
    expect(vi.getTimerCount()).toBe(1);
    subscription.close();
    await tick();
    expect([page.listeners, vi.getTimerCount()]).toEqual([0, 0]);
  });
});
