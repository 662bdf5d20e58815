import type { CountName, GaugeName, Point } from "./point";
import type { StatsWindow } from "./window";

/** A column of a chart; null where nothing is known, which is drawn as a gap. */
export type Column = (number | null)[];

export type LatencyName = "p50" | "p95" | "p99";
export type SeriesName = CountName | GaugeName | LatencyName;

/** The window as charts draw it: a slot for each interval of the span, whether something is known of it or not. */
export interface Series {
  resolutionMs: number;
  /** When each slot begins, in milliseconds since the epoch. */
  times: number[];
  /** Counts are per second, gauges as they are, latencies in milliseconds. */
  columns: Record<SeriesName, Column>;
}

/** The interval under way is drawn from here on: the rate of a moment says little of it. */
const leastElapsedMs = 3000;
const leastShare = 0.2;
/** How far off the idea of the server's time may be. */
const clockErrorMs = 1000;

const counts = ["published", "delivered", "failed", "dead"] as const;
const gauges = ["backlog", "retrying", "streams"] as const;
const latencies = ["p50", "p95", "p99"] as const;

/**
 * Lays the points of a window into slots. `receivedAt` is when the newest of them came, by the server's clock. They end the
 * series while figures come; once these are stale, the series goes on `until` now, and what is missing is a gap.
 */
export function seriesOf(window: StatsWindow, receivedAt: number, until?: number): Series {
  const { resolutionMs, spanMs } = window;
  const open = openShare(window, receivedAt);
  const drawn = open === undefined ? window.points.slice(0, -1) : window.points;
  const newest = drawn.at(-1)?.start ?? newestComplete(receivedAt, resolutionMs);
  const last = until === undefined ? newest : Math.max(newest, newestComplete(until, resolutionMs));
  const slots = Math.round(spanMs / resolutionMs);
  const first = last - (slots - 1) * resolutionMs;
  const series = emptySeries(resolutionMs, first, slots);
  for (const [index, point] of drawn.entries()) {
    const slot = Math.round((point.start - first) / resolutionMs);
    const share = index === window.points.length - 1 ? (open ?? 1) : 1;
    if (slot >= 0 && slot < slots) fill(series, slot, point, share * resolutionMs);
  }
  return series;
}

/** When the newest interval began that is over. */
function newestComplete(now: number, resolutionMs: number): number {
  return Math.floor(now / resolutionMs) * resolutionMs - resolutionMs;
}

/** How much of the newest interval is over; undefined when too little to draw it. */
function openShare({ points, resolutionMs }: StatsWindow, now: number): number | undefined {
  const elapsed = now - (points.at(-1)?.start ?? 0);
  if (elapsed >= resolutionMs + clockErrorMs) return 1;
  if (elapsed < Math.max(leastElapsedMs, resolutionMs * leastShare)) return undefined;
  return Math.min(1, elapsed / resolutionMs);
}

function emptySeries(resolutionMs: number, first: number, slots: number): Series {
  const blank = (): Column => new Array<number | null>(slots).fill(null);
  return {
    resolutionMs,
    times: Array.from({ length: slots }, (_, slot) => first + slot * resolutionMs),
    columns: {
      published: blank(),
      delivered: blank(),
      failed: blank(),
      dead: blank(),
      p50: blank(),
      p95: blank(),
      p99: blank(),
      backlog: blank(),
      retrying: blank(),
      streams: blank(),
    },
  };
}

function fill({ columns }: Series, slot: number, point: Point, elapsedMs: number): void {
  for (const name of counts) columns[name][slot] = (point[name] * 1000) / elapsedMs;
  for (const name of gauges) columns[name][slot] = point[name] ?? null;
  for (const name of latencies) columns[name][slot] = point.latency?.[name] ?? null;
}
