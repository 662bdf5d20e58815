import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { StatsLatency, StatsPoint } from "#gen/postrider/v1/stats_pb";
import { milliseconds } from "@/ui/format/duration";

/** Percentiles in milliseconds. */
export interface Latency {
  p50: number;
  p95: number;
  p99: number;
}

/** One interval in numbers that can be drawn; what is not known is undefined. */
export interface Point {
  /** When it began, in milliseconds since the epoch. */
  start: number;
  published: number;
  delivered: number;
  failed: number;
  dead: number;
  latency: Latency | undefined;
  backlog: number | undefined;
  retrying: number | undefined;
  streams: number | undefined;
}

/** The counts of a point: what happened within its interval. */
export type CountName = "published" | "delivered" | "failed" | "dead";
/** The gauges of a point: how things stood at its end. */
export type GaugeName = "backlog" | "retrying" | "streams";

export function readPoint(point: StatsPoint): Point {
  return {
    start: startOf(point.startTime),
    published: Number(point.published),
    delivered: Number(point.delivered),
    failed: Number(point.failed),
    dead: Number(point.dead),
    latency: readLatency(point.latency),
    backlog: optional(point.backlog),
    retrying: optional(point.retrying),
    streams: optional(point.streams),
  };
}

export function readLatency(latency: StatsLatency | undefined): Latency | undefined {
  if (!latency || latency.count === 0n) return undefined;
  return {
    p50: milliseconds(latency.p50),
    p95: milliseconds(latency.p95),
    p99: milliseconds(latency.p99),
  };
}

function startOf(time: Timestamp | undefined): number {
  return time ? timestampMs(time) : 0;
}

function optional(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
