import { type KeyboardEvent, type RefObject, useEffect, useId, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useStore } from "@/store/store";
import { clsx } from "@/ui/clsx";
import { intervalText } from "../interval";
import type { Series } from "../series";
import styles from "./chart.module.css";
import { moveCrosshair, useCrosshair } from "./crosshair";
import { chartData, chartOptions } from "./options";
import { onThemeChange, type Palette, readPalette } from "./palette";
import { type ChartSpec, slotAt, summary, valueText } from "./spec";

interface Props {
  spec: ChartSpec;
  /** Undefined until there are figures: the chart keeps its place. */
  series: Series | undefined;
  /** Shows what is behind an interval, which begins at `start`. */
  onPick: (start: number) => void;
}

/** Lines over time with their exact values beside their names: those at the crosshair, or the newest. */
export function Chart({ spec, series, onPick }: Props) {
  const id = useId();
  const crosshair = useCrosshair();
  const at = useStore(crosshair);
  const plot = useRef<HTMLDivElement>(null);
  usePlot(plot, spec, series);

  const times = series?.times ?? [];
  const slot = series && slotAt(series, at);
  const when = series && at !== undefined && intervalText(at, series.resolutionMs);
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" && at !== undefined) onPick(at);
    const moved = moveCrosshair(event.key, times, at);
    if (moved === null) return;
    event.preventDefault();
    crosshair.set(moved);
  };
  const text = when && series && `${when}: ${valuesText(spec, series, at)}`;
  return (
    <figure className={styles.chart} aria-labelledby={id}>
      <figcaption className={styles.caption}>
        <h2 id={id}>{spec.title}</h2>
        <span className={styles.when}>{when}</span>
        <Legend spec={spec} series={series} slot={slot} />
      </figcaption>
      <p className="visually-hidden">{summary(spec, series)}</p>
      <div
        ref={plot}
        className={clsx(styles.plot, series === undefined && styles.waiting)}
        role="slider"
        tabIndex={0}
        aria-label={`Time in ${spec.title}`}
        aria-valuemin={0}
        aria-valuemax={Math.max(times.length - 1, 0)}
        aria-valuenow={slot ?? 0}
        aria-valuetext={text || "newest"}
        onKeyDown={onKey}
        onBlur={() => crosshair.set(undefined)}
        onClick={(event) => {
          // A finger has no way to look before it leaps: its tap only looks.
          const isTouch =
            "pointerType" in event.nativeEvent && event.nativeEvent.pointerType === "touch";
          if (!isTouch && at !== undefined) onPick(at);
        }}
      />
    </figure>
  );
}

function Legend(props: { spec: ChartSpec; series: Series | undefined; slot: number | undefined }) {
  const { spec, series, slot } = props;
  return (
    <ul className={styles.legend}>
      {spec.lines.map(({ name, label, tone, look }) => (
        <li key={name}>
          <span
            className={clsx(styles.swatch, styles[tone], look && styles[look])}
            aria-hidden="true"
          />
          {label}
          <span className={styles.value}>
            {valueText(spec, slot === undefined ? null : series?.columns[name][slot])}
          </span>
        </li>
      ))}
    </ul>
  );
}

function valuesText(spec: ChartSpec, series: Series, at: number | undefined): string {
  const slot = slotAt(series, at);
  return spec.lines
    .map(({ name, label }) => `${label} ${valueText(spec, series.columns[name][slot])}`)
    .join(", ");
}

/** Keeps a uPlot in the element: its data, its size, its colours and the crosshair. */
function usePlot(
  element: RefObject<HTMLDivElement | null>,
  spec: ChartSpec,
  series: Series | undefined,
): void {
  const crosshair = useCrosshair();
  const at = useStore(crosshair);
  const plot = useRef<uPlot>(undefined);
  const times = useRef<readonly number[]>([]);
  times.current = series?.times ?? [];

  useEffect(() => {
    const home = element.current;
    if (!home) return;
    let palette: Palette = readPalette(home);
    const chart = new uPlot(
      {
        ...chartOptions({
          spec,
          palette: () => palette,
          font: `11px ${getComputedStyle(home).fontFamily}`,
          onPoint: (slot) => {
            // The crosshair is moved by whichever chart the pointer is over; the others follow.
            if (!home.matches(":hover")) return;
            crosshair.set(slot === undefined ? undefined : times.current[slot]);
          },
        }),
        ...sizeOf(home),
      },
      [[], ...spec.lines.map(() => [])],
      home,
    );
    plot.current = chart;
    const leave = () => crosshair.set(undefined);
    home.addEventListener("mouseleave", leave);
    const resizing = new ResizeObserver(() => chart.setSize(sizeOf(home)));
    resizing.observe(home);
    const unwatch = onThemeChange(() => {
      palette = readPalette(home);
      chart.redraw(false);
    });
    return () => {
      unwatch();
      resizing.disconnect();
      home.removeEventListener("mouseleave", leave);
      chart.destroy();
      plot.current = undefined;
    };
  }, [element, spec, crosshair]);

  useEffect(() => {
    if (series) plot.current?.setData(chartData(spec, series));
  }, [spec, series]);

  useEffect(() => {
    const chart = plot.current;
    if (!chart || !series || element.current?.matches(":hover")) return;
    const isShown = at !== undefined && series.times.includes(at);
    const left = isShown ? chart.valToPos(at, "x") : -10;
    chart.setCursor({ left, top: isShown ? 0 : -10 }, false);
  }, [at, series, element]);
}

function sizeOf(element: HTMLElement): { width: number; height: number } {
  return { width: element.clientWidth, height: element.clientHeight };
}
