import type { StatsChange, StatsSnapshot, StatsTables } from "#gen/postrider/v1/stats_pb";
import { milliseconds } from "@/ui/format/duration";
import { type Point, readPoint } from "./point";

/** The figures of a span: the points that are in it, oldest first, and its sums. It never holds more than the span does. */
export interface StatsWindow {
  spanMs: number;
  /** The length of each interval. */
  resolutionMs: number;
  points: readonly Point[];
  tables: StatsTables | undefined;
}

/**
 * The window after a snapshot. Where the snapshot has something to say it is right; from before it, points that were
 * received earlier stay: a server that has just started no longer knows its finest ones.
 */
export function withSnapshot(
  before: StatsWindow | undefined,
  snapshot: StatsSnapshot,
  spanMs: number,
): StatsWindow {
  const resolutionMs = milliseconds(snapshot.resolution);
  const fresh = snapshot.points.map(readPoint);
  const from = fresh[0]?.start ?? Number.POSITIVE_INFINITY;
  const kept =
    before?.resolutionMs === resolutionMs ? before.points.filter(({ start }) => start < from) : [];
  const points = inSpan([...kept, ...fresh], spanMs, resolutionMs);
  return { spanMs, resolutionMs, points, tables: snapshot.tables };
}

/** The window after a change: each point replaces the one of its interval or comes after all others. */
export function withChange(window: StatsWindow, change: StatsChange): StatsWindow {
  const byStart = new Map(window.points.map((point) => [point.start, point]));
  for (const point of change.points.map(readPoint)) byStart.set(point.start, point);
  const points = [...byStart.values()].sort((a, b) => a.start - b.start);
  return {
    ...window,
    points: inSpan(points, window.spanMs, window.resolutionMs),
    tables: change.tables ?? window.tables,
  };
}

/** Drops what has left the span; the interval that is not over yet counts as one of it. */
function inSpan(points: Point[], spanMs: number, resolutionMs: number): Point[] {
  const newest = points.at(-1)?.start ?? 0;
  return points.filter(({ start }) => start > newest - spanMs - resolutionMs);
}
