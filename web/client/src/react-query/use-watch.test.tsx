// @vitest-environment happy-dom
import { Code } from "@connectrpc/connect";
import { act, cleanup, renderHook } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { refused } from "../testing/detail.js";
import { Feed } from "../testing/feed.js";
import { useWatch } from "./use-watch.js";

/** The connections of the watch, oldest first; StrictMode opens the first one twice. */
let feeds: Feed<string>[];

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0);
  feeds = [];
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const settle = (ms = 100) => act(() => vi.advanceTimersByTimeAsync(ms));

async function push(...messages: string[]) {
  for (const message of messages) feeds.at(-1)?.push(message);
  await settle();
}

interface Props {
  topic?: string;
  enabled?: boolean;
}

async function show(initialProps: Props = {}) {
  let open = 0;
  const states: string[] = [];
  const shown = renderHook(
    ({ topic = "a", enabled }: Props) => {
      const view = useWatch<string[], string>(
        (signal) => {
          const feed = new Feed<string>(signal);
          feeds.push(feed);
          open++;
          signal.addEventListener("abort", () => open--);
          return feed;
        },
        [topic],
        {
          begin: (before) => (before ? ["again"] : []),
          fold: (value, message) => {
            if (message === "garbage") throw new TypeError("mine");
            return [...value, message];
          },
          isMarker: (message) => message === "marker",
          enabled,
        },
      );
      states.push(view.status.state);
      return view;
    },
    { initialProps, wrapper: StrictMode },
  );
  await settle();
  const view = () => shown.result.current;
  return { ...shown, view, states, openStreams: () => open };
}

describe("useWatch", () => {
  it("shows the snapshot once it is complete, and then what changes", async () => {
    const { view } = await show();
    expect(view()).toMatchObject({ value: undefined, status: { state: "connecting" } });
    await push("one", "two");
    expect(view()).toMatchObject({ value: undefined, status: { state: "catching-up" } });
    await push("marker");
    expect(view()).toMatchObject({
      value: ["one", "two", "marker"],
      snapshots: 1,
      status: { state: "live" },
    });
    await push("three", "four");
    expect(view().value).toEqual(["one", "two", "marker", "three", "four"]);
  });

  it("begins a snapshot with each connection, and shows what it knew until that is complete", async () => {
    const { view } = await show();
    await push("one", "marker");
    feeds.at(-1)?.end(new TypeError("network error"));
    await settle();
    await push("half");
    expect(view()).toMatchObject({ value: ["one", "marker"], snapshots: 1 });
    feeds.at(-1)?.end(new TypeError("network error"));
    await settle();
    await push("two", "marker");
    expect(view()).toMatchObject({ value: ["again", "two", "marker"], snapshots: 2 });
  });

  it("bears the silence between two heartbeats of a watch, and takes a longer one for death", async () => {
    await show();
    await push("marker");
    const before = feeds.length;
    await settle(16_000);
    await push("heartbeat");
    await settle(37_000);
    expect(feeds).toHaveLength(before);
    await settle(1000);
    expect(feeds).toHaveLength(before + 1);
  });

  it("can be held, and begins with a new snapshot", async () => {
    const { view, rerender, states, openStreams } = await show();
    await push("one", "marker");
    rerender({ enabled: false });
    await settle();
    expect([view().value, view().status.state]).toEqual([["one", "marker"], "ended"]);
    expect(openStreams()).toBe(0);
    states.length = 0;
    rerender({ enabled: true });
    await settle();
    // Not for a moment what it was before.
    expect(new Set(states)).toEqual(new Set(["connecting"]));
    await push("two", "marker");
    expect(view().value).toEqual(["again", "two", "marker"]);
  });

  it("knows nothing with other dependencies", async () => {
    const { view, rerender, openStreams } = await show();
    await push("one", "marker");
    rerender({ topic: "b" });
    await settle();
    expect(view()).toMatchObject({ value: undefined, snapshots: 0 });
    await push("two", "marker");
    expect(view().value).toEqual(["two", "marker"]);
    expect(openStreams()).toBe(1);
  });

  it("waits after a loss, and tries at once when told to", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.999);
    const { view } = await show();
    const before = feeds.length;
    feeds.at(-1)?.end(new TypeError("network error"));
    await settle();
    expect(view().status.retryAt).toBeDefined();
    view().retryNow();
    await settle();
    expect(feeds).toHaveLength(before + 1);
  });

  it("says why the server will not have it", async () => {
    const { view } = await show();
    feeds.at(-1)?.end(refused("not yours", Code.PermissionDenied));
    await settle(60_000);
    expect(view().status).toMatchObject({ state: "ended", error: { code: "permission_denied" } });
  });

  it("says what ended it when a function of its own throws", async () => {
    const { view, openStreams } = await show();
    await push("one", "marker", "garbage");
    expect(view()).toMatchObject({
      value: ["one", "marker"],
      status: { state: "ended", error: { message: "mine" } },
    });
    expect(openStreams()).toBe(0);
  });

  it("leaves nothing open when it is shown no more", async () => {
    const { unmount, openStreams } = await show();
    await push("marker");
    expect(openStreams()).toBe(1);
    unmount();
    await settle();
    expect([openStreams(), vi.getTimerCount()]).toEqual([0, 0]);
  });
});
