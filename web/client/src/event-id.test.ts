import { afterEach, expect, it, vi } from "vitest";
import { newEventId } from "./event-id.js";

afterEach(() => {
  vi.useRealTimers();
});

it("makes ids that servers accept, no two the same, in the order of their making", () => {
  const ids = Array.from({ length: 10_000 }, newEventId);
  for (const id of ids) expect(id).toMatch(/^evt_[0-9a-v]{26}$/);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
});

it("begins with the time, as the server's ids do", () => {
  vi.useFakeTimers({ now: Date.UTC(2100, 0, 1) });
  const early = newEventId();
  vi.setSystemTime(Date.UTC(2100, 0, 1) + 1);
  const late = newEventId();
  expect(early < late).toBe(true);
  // 48 bits of milliseconds are nine and a half characters.
  const ms = [...early.slice(4, 13)].reduce((sum, c) => sum * 32 + Number.parseInt(c, 32), 0);
  expect(ms).toBe(Math.floor(Date.UTC(2100, 0, 1) / 8));
});

it("keeps its order when the clock goes back", () => {
  vi.useFakeTimers({ now: Date.UTC(2101, 0, 1) });
  const before = newEventId();
  vi.setSystemTime(Date.UTC(2101, 0, 1) - 60_000);
  expect(before < newEventId()).toBe(true);
});
