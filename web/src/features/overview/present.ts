import type { CountName, GaugeName, Point } from "./point";
import type { Series } from "./series";
import type { StatsWindow } from "./window";

/** A rate is read off the newest 5 s when intervals are that short: single seconds flicker. */
const smoothedMs = 5000;
/** With fewer than this in 5 s, a rate is read off the newest minute: "0/s, 0.2/s, 0/s" says nothing. */
const enough = 5;
const lowRateMs = 60_000;

/** The present value of a count, per second; undefined when nothing is known of the present. */
export function presentRate(series: Series, name: CountName): number | undefined {
  const newest = meanRate(series, name, smoothedMs);
  if (newest === undefined || newest * (smoothedMs / 1000) >= enough) return newest;
  return meanRate(series, name, lowRateMs);
}

function meanRate({ columns, resolutionMs }: Series, name: CountName, ms: number) {
  const known = columns[name].slice(-slotsIn(ms, resolutionMs)).filter(isKnown);
  if (known.length === 0) return undefined;
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** How many intervals make a time; one at least. */
function slotsIn(ms: number, resolutionMs: number): number {
  return Math.max(1, Math.round(ms / resolutionMs));
}

/** The gauges of the newest interval, whether it is over or not. */
export function presentGauge({ points }: StatsWindow, name: GaugeName): number | undefined {
  return points.at(-1)?.[name] ?? points.at(-2)?.[name];
}

/** The highest value of a gauge within the span. */
export function peak(points: readonly Point[], name: GaugeName): number | undefined {
  const known = points.map((point) => point[name]).filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((a, b) => Math.max(a, b));
}

/** How often it happened within the span. */
export function total(points: readonly Point[], name: CountName): number {
  return points.reduce((sum, point) => sum + point[name], 0);
}

/** The share of attempts that succeeded, in percent; undefined when there were none. */
export function successPercent(points: readonly Point[]): number | undefined {
  const delivered = total(points, "delivered");
  const attempts = delivered + total(points, "failed");
  return attempts === 0 ? undefined : (delivered / attempts) * 100;
}

function isKnown(value: number | null): value is number {
  return value !== null;
}
