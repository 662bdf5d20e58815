import type { Series, SeriesName } from "../series";
import type { Tone } from "./palette";

/** One line of a chart. */
export interface Line {
  name: SeriesName;
  label: string;
  tone: Tone;
  /** How it differs besides its colour. */
  look?: "area" | "dashed" | "thin";
}

/** What a chart shows. */
export interface ChartSpec {
  title: string;
  /** After each value: "/s". */
  unit: string;
  lines: readonly Line[];
  /** Latencies span from below a millisecond to hours: each step of the scale is ten times the one before. */
  logarithmic?: boolean;
  /** Fills between the first and the last line. */
  band?: boolean;
  /** The highest value that the scale shows when all are below it. */
  leastTop: number;
  write(value: number): string;
}

/** A value with its unit, or a dash where nothing is known. */
export function valueText(spec: ChartSpec, value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : `${spec.write(value)}${spec.unit}`;
}

/** The slot that the crosshair is at; the newest without one. */
export function slotAt({ times }: Series, at: number | undefined): number {
  const slot = at === undefined ? -1 : times.indexOf(at);
  return slot === -1 ? times.length - 1 : slot;
}

/** The chart in a sentence or two, for those who do not see it: "Published now 12/s, at most 40/s." */
export function summary(spec: ChartSpec, series: Series | undefined): string {
  if (!series) return "No figures yet.";
  return spec.lines
    .map(({ name, label }) => {
      const known = series.columns[name].filter((value) => value !== null);
      if (known.length === 0) return `${label}: no data.`;
      const top = known.reduce((a, b) => Math.max(a, b));
      return `${label}: newest ${valueText(spec, series.columns[name].at(-1))}, at most ${valueText(spec, top)}.`;
    })
    .join(" ");
}
