import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Feed } from "@/testing/feed";
import { heartbeatIntervalSeconds, LiveStream } from "./stream";

const silenceLimitMs = heartbeatIntervalSeconds * 2500;

/** A source that hands out one feed a connection. */
function source() {
  const feeds: Feed<string>[] = [];
  const received: string[] = [];
  return {
    feeds,
    received,
    open: (signal: AbortSignal) => {
      const feed = new Feed<string>(signal);
      feeds.push(feed);
      return feed;
    },
    receive: (message: string) => received.push(message),
    get newest() {
      const feed = feeds.at(-1);
      if (!feed) throw new Error("no connection was opened");
      return feed;
    },
  };
}

const tick = () => vi.advanceTimersByTimeAsync(0);
const unavailable = () => new ConnectError("stopping", Code.Unavailable);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("LiveStream", () => {
  it("is live from the first message on", async () => {
    const from = source();
    const stream = new LiveStream(from);
    stream.start();
    expect(stream.state.get().kind).toBe("connecting");
    from.newest.push("begin");
    await tick();
    expect(stream.state.get().kind).toBe("live");
    expect(from.received).toEqual(["begin"]);
  });

  it.each([
    ["an error", (feed: Feed<string>) => feed.fail(unavailable())],
    ["an ordinary end", (feed: Feed<string>) => feed.fail(undefined)],
  ])("reconnects after %s", async (_, end) => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const from = source();
    const stream = new LiveStream(from);
    stream.start();
    from.newest.push("one");
    await tick();
    end(from.newest);
    await tick();
    expect(stream.state.get().kind).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(250);
    expect(from.feeds).toHaveLength(2);
    from.newest.push("two");
    await tick();
    expect(stream.state.get().kind).toBe("live");
    expect(from.received).toEqual(["one", "two"]);
  });

  it("takes silence for death, and a heartbeat for life", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    const from = source();
    const stream = new LiveStream(from);
    stream.start();
    from.newest.push("begin");
    await vi.advanceTimersByTimeAsync(silenceLimitMs - 1);
    from.newest.push("heartbeat");
    await vi.advanceTimersByTimeAsync(silenceLimitMs - 1);
    expect(from.feeds).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(10);
    expect(from.feeds).toHaveLength(2);
  });

  it("gives up a connection that never answers", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    const from = source();
    new LiveStream(from).start();
    await vi.advanceTimersByTimeAsync(silenceLimitMs + 10);
    expect(from.feeds).toHaveLength(2);
  });

  it("counts as offline after three failures, and tries again at once when told to", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.999);
    const from = source();
    const stream = new LiveStream(from);
    stream.start();
    for (let failure = 1; failure <= 3; failure++) {
      from.newest.fail(unavailable());
      await tick();
      if (failure < 3) {
        expect(stream.state.get().kind).toBe("reconnecting");
        await vi.advanceTimersByTimeAsync(1000);
      }
    }
    expect(stream.state.get().kind).toBe("offline");
    const before = from.feeds.length;
    stream.retryNow();
    await tick();
    expect(from.feeds).toHaveLength(before + 1);
  });

  it.each([Code.InvalidArgument, Code.PermissionDenied, Code.Unauthenticated, Code.NotFound])(
    "stops for good when the answer would be the same (%s)",
    async (code) => {
      const from = source();
      const stream = new LiveStream(from);
      stream.start();
      from.newest.fail(new ConnectError("no", code));
      await vi.advanceTimersByTimeAsync(60_000);
      expect(stream.state.get().kind).toBe("failed");
      expect(from.feeds).toHaveLength(1);
    },
  );

  it("hears nothing more once it is stopped, and can be started again", async () => {
    const from = source();
    const stream = new LiveStream(from);
    stream.start();
    from.newest.push("one");
    await tick();
    stream.stop(true);
    expect(stream.state.get().kind).toBe("held");
    from.newest.push("late");
    await tick();
    stream.start();
    from.newest.push("two");
    await tick();
    expect(from.received).toEqual(["one", "two"]);
  });
});
