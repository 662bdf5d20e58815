import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { persist } from "./persist";

let stop: () => void = () => {};
beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  stop();
  vi.useRealTimers();
});

function show(state: DocumentVisibilityState): void {
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(state);
  document.dispatchEvent(new Event("visibilitychange"));
}

describe("persist", () => {
  it("tries less and less often, and for as long as it takes", async () => {
    const attempt = vi.fn(async () => false);
    stop = persist(attempt);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(attempt.mock.calls.length).toBeGreaterThanOrEqual(3);
    attempt.mockClear();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(attempt.mock.calls.length).toBeGreaterThanOrEqual(39);
    expect(attempt.mock.calls.length).toBeLessThanOrEqual(82);
  });

  it("ends with the first success", async () => {
    const attempt = vi.fn(async () => attempt.mock.calls.length === 2);
    stop = persist(attempt);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(attempt).toHaveBeenCalledTimes(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("rests in a hidden tab, and tries at once when it is shown", async () => {
    const attempt = vi.fn(async () => false);
    show("hidden");
    stop = persist(attempt);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(attempt).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
    show("visible");
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it("tries at once when the network is back, one try at a time", async () => {
    const attempt = vi.fn(() => new Promise<boolean>(() => {}));
    stop = persist(attempt);
    for (let i = 0; i < 3; i++) window.dispatchEvent(new Event("online"));
    expect(attempt).toHaveBeenCalledTimes(1);
  });
});
