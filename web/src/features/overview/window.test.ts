import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { StatsChangeSchema, StatsSnapshotSchema } from "#gen/postrider/v1/stats_pb";
import { pointAt } from "@/testing/fake-stats";
import { type StatsWindow, withChange, withSnapshot } from "./window";

const second = 1000;
const spanMs = 10 * second;

/** A snapshot with a point for each start, whose counts are those starts in seconds. */
function snapshot(starts: number[], resolutionMs = second) {
  return create(StatsSnapshotSchema, {
    resolution: durationFromMs(resolutionMs),
    points: starts.map((start) => pointAt(start, { published: BigInt(start / second) })),
  });
}

function change(...counts: [start: number, published: number][]) {
  return create(StatsChangeSchema, {
    points: counts.map(([start, n]) => pointAt(start, { published: BigInt(n) })),
  });
}

const seconds = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => (from + i) * second);
const starts = (window: StatsWindow) => window.points.map(({ start }) => start / second);
const counts = (window: StatsWindow) => window.points.map(({ published }) => published);

describe("a change", () => {
  const window = withSnapshot(undefined, snapshot(seconds(1, 3)), spanMs);

  it("replaces the point of its interval, and comes after all others", () => {
    expect(counts(withChange(window, change([3000, 30], [4000, 40])))).toEqual([1, 2, 30, 40]);
  });

  it("is put where it belongs when it comes late", () => {
    const late = withChange(withChange(window, change([6000, 6])), change([5000, 5]));
    expect(starts(late)).toEqual([1, 2, 3, 5, 6]);
  });

  it("keeps the tables until others come", () => {
    const tables = { totals: { published: 7n } };
    const known = withChange(window, create(StatsChangeSchema, { tables }));
    expect(withChange(known, change([4000, 4])).tables?.totals?.published).toBe(7n);
  });

  it("lets go what has left the span, however long the page is open", () => {
    let open = window;
    for (let n = 4; n <= 5000; n++) open = withChange(open, change([n * second, n]));
    expect(starts(open)).toEqual(seconds(4990, 5000).map((ms) => ms / second));
  });
});

describe("a snapshot after a reconnect", () => {
  const before = withSnapshot(undefined, snapshot(seconds(1, 6)), spanMs);

  it("says what happened meanwhile", () => {
    const after = withSnapshot(before, snapshot(seconds(1, 9)), spanMs);
    expect(starts(after)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("of a server that has just started leaves the history, and the gap", () => {
    const after = withSnapshot(before, snapshot(seconds(9, 10)), spanMs);
    expect(starts(after)).toEqual([1, 2, 3, 4, 5, 6, 9, 10]);
  });

  it("is right wherever it has something to say", () => {
    const after = withSnapshot(before, snapshot([5000, 7000]), spanMs);
    expect(starts(after)).toEqual([1, 2, 3, 4, 5, 7]);
  });

  it("in other intervals stands alone", () => {
    const after = withSnapshot(before, snapshot([0, 15_000], 15_000), spanMs * 15);
    expect(starts(after)).toEqual([0, 15]);
  });

  it("without any points leaves those there are", () => {
    expect(starts(withSnapshot(before, snapshot([]), spanMs))).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
