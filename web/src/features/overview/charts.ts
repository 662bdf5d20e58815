import { shortDuration } from "@/ui/format/duration";
import { shortNumber } from "@/ui/format/number";
import type { ChartSpec } from "./chart/spec";

/** What a chart is about, which says what lies behind its points. */
export type ChartName = "throughput" | "failures" | "latency" | "backlog";

export const charts: Record<ChartName, ChartSpec> = {
  throughput: {
    title: "Throughput",
    unit: "/s",
    leastTop: 1,
    write: shortNumber,
    lines: [
      { name: "published", label: "Published", tone: "wait" },
      { name: "delivered", label: "Delivered", tone: "good" },
    ],
  },
  // On a scale of their own: one failure in a thousand would be a flat line below the thousand.
  failures: {
    title: "Failures",
    unit: "/s",
    leastTop: 1,
    write: shortNumber,
    lines: [
      { name: "failed", label: "Failed", tone: "bad", look: "area" },
      { name: "dead", label: "Dead", tone: "ink", look: "dashed" },
    ],
  },
  latency: {
    title: "Published to delivered",
    unit: "",
    leastTop: 100,
    logarithmic: true,
    band: true,
    write: shortDuration,
    lines: [
      { name: "p50", label: "p50", tone: "wait", look: "thin" },
      { name: "p95", label: "p95", tone: "wait", look: "dashed" },
      { name: "p99", label: "p99", tone: "wait" },
    ],
  },
  backlog: {
    title: "Backlog",
    unit: "",
    leastTop: 10,
    write: shortNumber,
    lines: [
      { name: "backlog", label: "Backlog", tone: "idle", look: "area" },
      { name: "retrying", label: "Retrying", tone: "warn" },
    ],
  },
};

export const chartNames: readonly ChartName[] = ["throughput", "failures", "latency", "backlog"];
