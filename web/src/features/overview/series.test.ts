import { describe, expect, it } from "vitest";
import type { Point } from "./point";
import { peak, presentGauge, presentRate, successPercent } from "./present";
import { seriesOf } from "./series";
import type { StatsWindow } from "./window";

function point(start: number, init: Partial<Point> = {}): Point {
  return {
    start,
    published: 0,
    delivered: 0,
    failed: 0,
    dead: 0,
    latency: undefined,
    backlog: undefined,
    retrying: undefined,
    streams: undefined,
    ...init,
  };
}

/** A window of five intervals. */
function windowOf(resolutionMs: number, ...points: Point[]): StatsWindow {
  return { spanMs: resolutionMs * 5, resolutionMs, points, tables: undefined };
}

const fine = windowOf(
  1000,
  point(3000, { published: 3 }),
  point(4000, { published: 4 }),
  point(5000, { published: 5 }),
  point(6000, { published: 1 }),
);

describe("the series of a window", () => {
  it("ends with the newest interval that is over, and has a slot for each one of the span", () => {
    const { times, columns } = seriesOf(fine, 6200);
    expect(times).toEqual([1000, 2000, 3000, 4000, 5000]);
    expect(columns.published).toEqual([null, null, 3, 4, 5]);
  });

  it("has gaps where nothing is known, and zeros where nothing happened", () => {
    const window = windowOf(1000, point(1000, { published: 1 }), point(4000), point(5000));
    expect(seriesOf(window, 5100).columns.published).toEqual([null, 1, null, null, 0]);
  });

  it("goes on with the time while figures are stale, without what was only begun to be told", () => {
    const { times, columns } = seriesOf(fine, 6200, 9500);
    expect(times.at(-1)).toBe(8000);
    expect(columns.published).toEqual([4, 5, null, null, null]);
  });

  it("stands still while figures come, even if the clocks differ", () => {
    expect(seriesOf(fine, 6999).times.at(-1)).toBe(5000);
    expect(seriesOf(fine, 1).times.at(-1)).toBe(5000);
  });

  it.each([
    ["2.9 s, too little to say anything", 2900, [10]],
    ["5 s, as a rate of those", 5000, [10, 4]],
    ["all of it", 15_000, [10, 20 / 15]],
  ])("draws the interval under way after %s", (_, over, rates) => {
    const window = windowOf(
      15_000,
      point(15_000, { published: 150 }),
      point(30_000, { published: 20 }),
    );
    const { columns } = seriesOf(window, 30_000 + over);
    expect(columns.published.filter((rate) => rate !== null)).toEqual(rates);
  });

  it("keeps latencies and gauges as they are, unknown ones as gaps", () => {
    const latency = { p50: 1, p95: 2, p99: 3 };
    const window = windowOf(1000, point(1000, { latency, backlog: 7 }), point(2000), point(3000));
    const { columns } = seriesOf(window, 3100);
    expect(columns.p99.slice(-2)).toEqual([3, null]);
    expect(columns.backlog.slice(-2)).toEqual([7, null]);
  });
});

describe("the present", () => {
  const series = seriesOf(fine, 6200);

  it("is the mean of the last five seconds that are known", () => {
    expect(presentRate(series, "published")).toBe(4);
  });

  it("is not known when the last five seconds are not", () => {
    expect(presentRate(seriesOf(fine, 6200, 30_000), "published")).toBeUndefined();
  });

  it("of a gauge is the newest there is", () => {
    expect(presentGauge(windowOf(1000, point(1000, { backlog: 7 }), point(2000)), "backlog")).toBe(
      7,
    );
    expect(presentGauge(fine, "backlog")).toBeUndefined();
  });

  it("of a low rate is the mean of the last minute", () => {
    const points = Array.from({ length: 60 }, (_, i) =>
      point(i * 1000, { published: i % 20 === 0 ? 1 : 0 }),
    );
    const window = { ...windowOf(1000, ...points), spanMs: 60_000 };
    expect(presentRate(seriesOf(window, 61_000), "published")).toBe(3 / 60);
  });

  it("has a peak beside it, the highest of the span", () => {
    const window = windowOf(1000, point(1000, { backlog: 7 }), point(2000, { backlog: 2 }));
    expect(peak(window.points, "backlog")).toBe(7);
    expect(peak(fine.points, "backlog")).toBeUndefined();
  });
});

it("success is a share of attempts, and nothing without any", () => {
  expect(successPercent([point(0, { delivered: 3, failed: 1 })])).toBe(75);
  expect(successPercent([point(0)])).toBeUndefined();
});
