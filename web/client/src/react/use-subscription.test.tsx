// @vitest-environment happy-dom
import { act, cleanup, renderHook } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OrderCreatedSchema } from "../../examples/gen/shop/v1/order_pb.js";
import { createClient } from "../client.js";
import { FakeLog } from "../testing/fake-log.js";
import { useSubscription } from "./use-subscription.js";

let log: FakeLog;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0);
  log = new FakeLog();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const settle = () => act(() => vi.advanceTimersByTimeAsync(100));

interface Props {
  start?: string;
  enabled?: boolean;
  keep?: number;
}

async function show(initialProps: Props = {}, onEvent?: (event: { id: string }) => void) {
  const client = createClient({ transport: log.transport });
  const states: string[] = [];
  const shown = renderHook(
    ({ start = "earliest", ...options }: Props) => {
      const view = useSubscription(
        (resume) => client.subscribe([OrderCreatedSchema], { start, ...resume }),
        [client, start],
        { ...options, onEvent },
      );
      states.push(view.status.state);
      return view;
    },
    { initialProps, wrapper: StrictMode },
  );
  await settle();
  const ids = () => shown.result.current.events.map(({ cursor }) => Number(cursor.slice(1)));
  return { ...shown, ids, states };
}

describe("useSubscription", () => {
  it("shows events as they come, and where the stream is", async () => {
    log.publish();
    const { ids, result } = await show();
    expect(ids()).toEqual([1]);
    expect(result.current.status).toEqual({ state: "live" });
    log.publish();
    log.publish();
    await settle();
    expect(ids()).toEqual([1, 2, 3]);
  });

  it("goes on after a loss", async () => {
    const { ids, result } = await show();
    log.publish();
    await settle();
    log.cut();
    log.publish();
    await settle();
    expect(ids()).toEqual([1, 2]);
    expect(result.current.status.state).toBe("live");
  });

  it("keeps the newest, and tells of all", async () => {
    const all: string[] = [];
    const { ids } = await show({ keep: 2 }, ({ id }) => all.push(id));
    for (let i = 0; i < 5; i++) log.publish();
    await settle();
    expect(ids()).toEqual([4, 5]);
    expect(all).toHaveLength(5);
  });

  it("keeps nothing where the caller does", async () => {
    const all: string[] = [];
    const { ids } = await show({ keep: 0 }, ({ id }) => all.push(id));
    log.publish();
    await settle();
    expect([ids(), all]).toEqual([[], ["evt_c0001"]]);
  });

  it("can be held, and goes on where it was", async () => {
    const { ids, rerender, result, states } = await show();
    log.publish();
    await settle();
    rerender({ enabled: false });
    await settle();
    expect([result.current.status.state, log.openStreams]).toEqual(["ended", 0]);
    log.publish();
    states.length = 0;
    rerender({ enabled: true });
    await settle();
    // Not for a moment what it was before.
    expect(states[0]).toBe("connecting");
    expect(ids()).toEqual([1, 2]);
    expect(log.starts.at(-1)).toBe("c0001");
  });

  it("shows where it is, not where it was, when it is held for a moment", async () => {
    const { rerender, result } = await show();
    log.publish();
    await act(() => vi.advanceTimersByTimeAsync(0));
    // The event waits to be shown when the state changes.
    log.cut();
    await act(() => vi.advanceTimersByTimeAsync(1));
    rerender({ enabled: false });
    rerender({ enabled: true });
    await settle();
    expect(result.current.status).toEqual({ state: "live" });
  });

  it("says what ended it when its callback throws", async () => {
    const { result } = await show({}, () => {
      throw new TypeError("mine");
    });
    log.publish();
    await settle();
    expect(result.current.status).toMatchObject({ state: "ended", error: { message: "mine" } });
    expect(log.openStreams).toBe(0);
  });

  it("begins anew with other dependencies", async () => {
    log.publish();
    log.publish();
    const { ids, rerender } = await show();
    rerender({ start: "c0001" });
    await settle();
    expect(ids()).toEqual([2]);
    expect(log.openStreams).toBe(1);
  });

  it("leaves nothing open when it is shown no more", async () => {
    const { unmount } = await show();
    expect(log.openStreams).toBe(1);
    unmount();
    await settle();
    expect([log.openStreams, vi.getTimerCount()]).toEqual([0, 0]);
  });
});
