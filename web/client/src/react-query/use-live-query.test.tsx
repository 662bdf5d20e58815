// @vitest-environment happy-dom
import { create } from "@bufbuild/protobuf";
import { skipToken, TransportProvider } from "@connectrpc/connect-query";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, renderHook } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  EventSchema,
  EventService,
  type ListEventsResponse,
  ListEventsResponseSchema,
} from "#gen/postrider/v1/event_pb";
import { OrderCreatedSchema } from "../../examples/gen/shop/v1/order_pb.js";
import { createClient } from "../client.js";
import { FakeLog } from "../testing/fake-log.js";
import { Feed } from "../testing/feed.js";
import type { Patch } from "./patch.js";
import { useLiveQuery } from "./use-live-query.js";

let log: FakeLog;
let queries: QueryClient;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0);
  log = new FakeLog();
  queries = new QueryClient();
});
afterEach(() => {
  cleanup();
  queries.clear();
  vi.useRealTimers();
});

interface Order {
  id: string;
  cursor: string;
}

/** Puts the event on top of the list. It would show an event twice that comes twice. */
const patch: Patch<ListEventsResponse, Order> = {
  cursor: ({ cursor }) => cursor,
  apply: (answer, { id, cursor }) =>
    create(ListEventsResponseSchema, {
      ...answer,
      events: [create(EventSchema, { id, cursor }), ...answer.events],
    }),
};

const settle = (ms = 100) => act(() => vi.advanceTimersByTimeAsync(ms));

const wrapper = ({ children }: { children: ReactNode }) => (
  <StrictMode>
    <TransportProvider transport={log.transport}>
      <QueryClientProvider client={queries}>{children}</QueryClientProvider>
    </TransportProvider>
  </StrictMode>
);

interface Queried {
  isSkipped?: boolean;
  enabled?: boolean;
  staleTime?: number;
}

async function show(
  options: { patch?: typeof patch } = {},
  { isSkipped = false, ...query }: Queried = {},
) {
  const client = createClient({ transport: log.transport });
  const shown = renderHook(
    () =>
      useLiveQuery(
        EventService.method.listEvents,
        isSkipped ? skipToken : { pageSize: 10 },
        { subscribe: (from) => client.subscribe([OrderCreatedSchema], from), ...options },
        query,
      ),
    { wrapper },
  );
  await settle();
  const shows = () =>
    shown.result.current.data?.events.map(({ cursor }) => Number(cursor.slice(1)));
  return { ...shown, shows };
}

describe("useLiveQuery with a patch", () => {
  it("begins at the place the answer was read at, and misses nothing in between", async () => {
    log.publish();
    // Committed after the list was read and before it arrives.
    log.afterRead = () => {
      log.afterRead = () => {};
      log.publish();
    };
    const { shows, result } = await show({ patch });
    expect(shows()).toEqual([2, 1]);
    log.publish();
    await settle();
    expect(shows()).toEqual([3, 2, 1]);
    expect([log.lists, result.current.live.state]).toEqual([1, "live"]);
  });

  it("keeps its place over a loss", async () => {
    const { shows } = await show({ patch });
    log.publish();
    await settle();
    log.cut();
    log.publish();
    await settle();
    expect(shows()).toEqual([2, 1]);
    expect(log.lists).toBe(1);
  });

  it("begins anew with an answer that was loaded while events came", async () => {
    const { shows, result } = await show({ patch });
    log.publish();
    await settle();
    // The list is read, then an event is committed and patched in, then the list arrives.
    log.afterRead = () => {
      log.afterRead = () => {};
      log.publish();
    };
    void result.current.refetch();
    await settle();
    log.publish();
    await settle();
    expect(shows()).toEqual([3, 2, 1]);
    expect(log.openStreams).toBe(1);
  });

  it("misses nothing when events come while an answer that was loaded waits to be shown", async () => {
    const { shows, result } = await show({ patch });
    log.publish();
    await settle();
    // Committed and patched in after the list was read again, which therefore lacks it.
    log.afterRead = async () => {
      log.afterRead = () => {};
      log.publish();
      await new Promise((resolve) => setTimeout(resolve, 50));
    };
    const stop = queries.getQueryCache().subscribe((told) => {
      if (told.type !== "updated" || told.action.type !== "success" || told.action.manual) return;
      stop();
      log.publish();
    });
    void result.current.refetch();
    await settle(200);
    expect(shows()).toEqual([3, 2, 1]);
  });

  it("doubles nothing when the answer is shown again", async () => {
    const { unmount } = await show({ patch });
    log.publish();
    await settle();
    unmount();
    log.publish();
    const { shows } = await show({ patch }, { staleTime: Number.POSITIVE_INFINITY });
    expect(shows()).toEqual([2, 1]);
    expect(log.lists).toBe(1);
  });

  it("applies each event once however many components show the answer", async () => {
    const first = await show({ patch });
    log.publish();
    await settle();
    const second = await show({ patch }, { staleTime: Number.POSITIVE_INFINITY });
    log.publish();
    log.publish();
    await settle();
    expect([first.shows(), second.shows()]).toEqual([
      [3, 2, 1],
      [3, 2, 1],
    ]);
    first.unmount();
    log.publish();
    await settle();
    expect(second.shows()).toEqual([4, 3, 2, 1]);
    expect([log.lists, log.openStreams]).toEqual([1, 1]);
  });

  it("loads again where an event cannot be patched in", async () => {
    const { shows } = await show({ patch: { ...patch, apply: () => undefined } });
    log.publish();
    await settle(500);
    expect(shows()).toEqual([1]);
    expect(log.lists).toBe(2);
  });
});

describe("useLiveQuery without a patch", () => {
  it("loads once more when the subscription is on, and after events", async () => {
    const { shows } = await show();
    await settle(300);
    expect(log.lists).toBe(2);
    log.publish();
    await settle(300);
    expect(shows()).toEqual([1]);
    expect(log.lists).toBe(3);
  });

  it("misses nothing when the first answer was read before the subscription was on", async () => {
    log.afterRead = async () => {
      log.afterRead = () => {};
      log.publish();
      await new Promise((resolve) => setTimeout(resolve, 50));
    };
    const { shows } = await show();
    await settle(600);
    expect(shows()).toEqual([1]);
  });

  it("loads seldom however many events come, and the last one is in it", async () => {
    const { shows } = await show();
    await settle(300);
    for (let i = 0; i < 50; i++) {
      log.publish();
      await settle(10);
    }
    await settle(600);
    expect(shows()?.[0]).toBe(50);
    expect(log.lists).toBeLessThan(7);
  });
});

describe("useLiveQuery with a watch", () => {
  it("loads when the snapshot is complete and after changes, and after a loss", async () => {
    const feeds: Feed<string>[] = [];
    const { result } = renderHook(
      () =>
        useLiveQuery(
          EventService.method.listEvents,
          {},
          {
            watch: (signal: AbortSignal) => {
              const feed = new Feed<string>(signal);
              feeds.push(feed);
              return feed;
            },
            read: (message) => (message === "marker" || message === "change" ? message : undefined),
          },
        ),
      { wrapper },
    );
    await settle();
    const [feed] = feeds;
    expect([log.lists, feeds.length]).toEqual([1, 1]);
    feed?.push("snapshot");
    await settle(300);
    expect([log.lists, result.current.live.state]).toEqual([1, "catching-up"]);
    feed?.push("marker");
    await settle(300);
    expect([log.lists, result.current.live.state]).toEqual([2, "live"]);
    log.publish();
    feed?.push("change");
    await settle(300);
    expect(result.current.data?.events).toHaveLength(1);
    log.publish();
    feed?.end(new TypeError("network error"));
    await settle(300);
    feeds[1]?.push("marker");
    await settle(300);
    expect(result.current.data?.events).toHaveLength(2);
  });
});

describe("useLiveQuery", () => {
  it("opens nothing while it is skipped", async () => {
    await show({}, { isSkipped: true });
    await show({}, { enabled: false });
    expect([log.lists, log.starts]).toEqual([0, []]);
  });

  it("says what ended it when a function of its own throws", async () => {
    const apply = () => {
      throw new TypeError("mine");
    };
    const { result } = await show({ patch: { ...patch, apply } });
    log.publish();
    await settle();
    expect(result.current.live).toMatchObject({ state: "ended", error: { message: "mine" } });
    expect(log.openStreams).toBe(0);
  });

  it("leaves nothing open when it is shown no more", async () => {
    const { unmount } = await show({ patch });
    expect(log.openStreams).toBe(1);
    unmount();
    await settle();
    expect(log.openStreams).toBe(0);
  });
});
