import type uPlot from "uplot";
import type { Series } from "../series";
import type { Palette } from "./palette";
import { decades, niceTop, powersOfTen } from "./scale";
import type { ChartSpec, Line } from "./spec";

const yAxisWidth = 52;
const xAxisHeight = 22;
const tickGap = 5;
/** Space for the halves of the labels at the ends of the axes. */
const padding: uPlot.Padding = [8, 14, 0, 0];

interface Drawn {
  spec: ChartSpec;
  palette(): Palette;
  font: string;
  /** Called with the slot under the pointer. */
  onPoint(slot: number | undefined): void;
}

/** The chart for uPlot, without its size. */
export function chartOptions({
  spec,
  palette,
  font,
  onPoint,
}: Drawn): Omit<uPlot.Options, "width" | "height"> {
  const axis: uPlot.Axis = {
    font,
    gap: tickGap,
    stroke: () => palette().label,
    grid: { stroke: () => palette().grid, width: 1 },
    ticks: { show: false },
  };
  return {
    ms: 1,
    padding,
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false, setScale: false },
      points: { size: 7, width: 1.5, fill: () => palette().sheet },
    },
    scales: {
      x: { time: true, range: (chart) => ends(chart.data[0]) },
      y: spec.logarithmic
        ? { distr: 3, range: (_, low, high) => decades(low, high) }
        : { range: (_, __, high) => [0, niceTop(Math.max(high ?? 0, spec.leastTop))] },
    },
    axes: [
      { ...axis, size: xAxisHeight, space: 58, values: clockLabels },
      {
        ...axis,
        size: yAxisWidth,
        space: 32,
        // By itself uPlot names only some marks of a logarithmic scale.
        filter: (_, ticks) => ticks,
        splits: spec.logarithmic ? (_, __, low, high) => powersOfTen(low, high) : undefined,
        values: (_, ticks) => ticks.map((tick) => tickText(spec, tick)),
      },
    ],
    series: [{}, ...spec.lines.map((line) => lineOptions(line, palette))],
    bands: spec.band
      ? [{ series: [spec.lines.length, 1], fill: () => palette().areas[lastTone(spec)] }]
      : [],
    hooks: {
      setCursor: [(chart) => onPoint(chart.cursor.idx ?? undefined)],
    },
  };
}

/** The series as uPlot takes them: times first, then a column for each line. */
export function chartData(spec: ChartSpec, series: Series): uPlot.AlignedData {
  return [series.times, ...spec.lines.map(({ name }) => series.columns[name])];
}

function lineOptions({ tone, look }: Line, palette: () => Palette): uPlot.Series {
  return {
    stroke: () => palette().lines[tone],
    fill: look === "area" ? () => palette().areas[tone] : undefined,
    width: look === "thin" || look === "dashed" ? 1.25 : 1.75,
    dash: look === "dashed" ? [5, 3] : undefined,
    points: { show: true, size: 4, width: 0, fill: () => palette().lines[tone], filter: lonely },
  };
}

/** The slots with a value between two without: a line has nothing to go to there, so they become dots. */
function lonely(chart: uPlot, series: number): number[] {
  const values = chart.data[series] ?? [];
  const slots: number[] = [];
  for (let slot = 0; slot < values.length; slot++) {
    const alone = (values[slot - 1] ?? null) === null && (values[slot + 1] ?? null) === null;
    if ((values[slot] ?? null) !== null && alone) slots.push(slot);
  }
  return slots;
}

function ends(times: ArrayLike<number> | undefined): uPlot.Range.MinMax {
  return times && times.length > 0 ? [times[0] ?? 0, times[times.length - 1] ?? 1] : [0, 1];
}

/** Marks are round: "1.00 s" is "1 s". */
function tickText(spec: ChartSpec, tick: number): string {
  return spec.write(tick).replace(/\.0+ /, " ");
}

function lastTone(spec: ChartSpec) {
  return spec.lines.at(-1)?.tone ?? "ink";
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const two = (n: number) => String(n).padStart(2, "0");

/** "14:05:10", "14:05", or "Jan 31" at midnight, by how far apart they stand. */
function clockLabels(_: uPlot, ticks: number[], __: number, ___: number, step: number): string[] {
  return ticks.map((tick) => {
    const date = new Date(tick);
    const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
    if (step < minuteMs) return `${time}:${two(date.getSeconds())}`;
    const isMidnight = time === "00:00";
    if (step < dayMs && !isMidnight) return time;
    return date.toLocaleDateString("en", { month: "short", day: "numeric" });
  });
}
