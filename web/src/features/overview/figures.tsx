import { memo, useState } from "react";
import { Button } from "@/ui/button";
import { shortDuration } from "@/ui/format/duration";
import { countText } from "@/ui/format/number";
import { tableClass } from "@/ui/table";
import styles from "./figures.module.css";
import { intervalText } from "./interval";
import type { Point } from "./point";
import type { StatsWindow } from "./window";

/** The charts as a table, newest first. */
export function Figures({ window }: { window: StatsWindow }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <section className={styles.figures} aria-label="Figures">
      <Button aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {isOpen ? "Hide the figures" : "Show the figures as a table"}
      </Button>
      {isOpen && (
        <section className={styles.scroll} aria-label="Figures by interval" tabIndex={0}>
          <table className={tableClass}>
            <thead>
              <tr>
                <th scope="col">From</th>
                {columns.map(({ label }) => (
                  <th key={label} scope="col" data-number>
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {window.points.toReversed().map((point) => (
                <Row key={point.start} point={point} resolutionMs={window.resolutionMs} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

const columns: { label: string; text: (point: Point) => string }[] = [
  { label: "Published", text: ({ published }) => countText(published) },
  { label: "Delivered", text: ({ delivered }) => countText(delivered) },
  { label: "Failed", text: ({ failed }) => countText(failed) },
  { label: "Dead", text: ({ dead }) => countText(dead) },
  { label: "p50", text: ({ latency }) => (latency ? shortDuration(latency.p50) : "–") },
  { label: "p95", text: ({ latency }) => (latency ? shortDuration(latency.p95) : "–") },
  { label: "p99", text: ({ latency }) => (latency ? shortDuration(latency.p99) : "–") },
  { label: "Backlog", text: ({ backlog }) => gaugeText(backlog) },
  { label: "Retrying", text: ({ retrying }) => gaugeText(retrying) },
  { label: "Streams", text: ({ streams }) => gaugeText(streams) },
];

function gaugeText(value: number | undefined): string {
  return value === undefined ? "–" : countText(value);
}

/** Points do not change once their interval is over, so that most rows are never drawn again. */
const Row = memo(function Row({ point, resolutionMs }: { point: Point; resolutionMs: number }) {
  return (
    <tr>
      <th scope="row">
        <code>{intervalText(point.start, resolutionMs)}</code>
      </th>
      {columns.map(({ label, text }) => (
        <td key={label} data-label={label} data-number>
          {text(point)}
        </td>
      ))}
    </tr>
  );
});
