import type { CountName, GaugeName, Latency, Point } from "./point";
import type { Series, SeriesName } from "./series";
import type { StatsWindow } from "./window";

/** A rate is read off this many seconds when intervals are that short: single seconds flicker. */
const smoothedMs = 5000;
/** A latency older than this many intervals says nothing of the present. */
const latencySlots = 10;

/** The present value of a count, per second; undefined when nothing is known of the present. */
export function presentRate(
  { columns, resolutionMs }: Series,
  name: CountName,
): number | undefined {
  const known = columns[name].slice(-slotsIn(smoothedMs, resolutionMs)).filter(isKnown);
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

/** The latency of the newest deliveries. */
export function presentLatency({ columns }: Series): Latency | undefined {
  const newest = (name: SeriesName) => columns[name].slice(-latencySlots).findLast(isKnown);
  const [p50, p95, p99] = [newest("p50"), newest("p95"), newest("p99")];
  if (p50 === undefined || p95 === undefined || p99 === undefined) return undefined;
  return { p50, p95, p99 };
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
