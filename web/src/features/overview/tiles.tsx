import { Link } from "@tanstack/react-router";
import { clsx } from "@/ui/clsx";
import { shortDuration } from "@/ui/format/duration";
import { countText, percentText, shortNumber } from "@/ui/format/number";
import type { CountName, GaugeName } from "./point";
import { presentGauge, presentLatency, presentRate, successPercent, total } from "./present";
import type { Stats } from "./queries";
import type { Span } from "./span";
import styles from "./tiles.module.css";

interface Props {
  stats: Stats;
  span: Span;
  /** The number of streams is shown to users who may see them. */
  showsStreams: boolean;
}

/** The figures of the moment, each leading to what is behind it. */
export function Tiles({ stats, span, showsStreams }: Props) {
  const { window, series, isStale } = stats;
  const points = window?.points ?? [];
  const rate = (name: CountName) => series && presentRate(series, name);
  const gauge = (name: GaugeName) => window && presentGauge(window, name);
  const sum = (name: CountName) =>
    window ? `${countText(total(points, name))} in ${span.label}` : undefined;
  const latency = series && presentLatency(series);
  const success = successPercent(points);
  const dead = total(points, "dead");
  const failed = rate("failed") ?? 0;
  return (
    <ul className={clsx(styles.tiles, isStale && styles.stale)} aria-label="Key figures">
      <Tile
        label="Published"
        value={perSecond(rate("published"))}
        unit="/s"
        note={sum("published")}
        to="/events"
      />
      <Tile
        label="Delivered"
        value={perSecond(rate("delivered"))}
        unit="/s"
        note={sum("delivered")}
        to="/deliveries"
        state="DELIVERED"
      />
      <Tile
        label="Failed"
        value={perSecond(rate("failed"))}
        unit="/s"
        note={dead > 0 ? `${countText(dead)} dead in ${span.label}` : sum("failed")}
        to="/deliveries"
        state="FAILED"
        tone={failed > 0 ? "bad" : undefined}
      />
      <Tile
        label="Success"
        value={success === undefined ? undefined : percentText(success).replace(" %", "")}
        unit="%"
        note={`of attempts in ${span.label}`}
        to="/subscriptions"
        tone={success !== undefined && success < 99 ? "bad" : undefined}
      />
      <Tile
        label="Latency p95"
        value={latency && shortDuration(latency.p95).split(" ")[0]}
        unit={latency ? shortDuration(latency.p95).split(" ")[1] : "ms"}
        note={
          latency
            ? `p50 ${shortDuration(latency.p50)}, p99 ${shortDuration(latency.p99)}`
            : window && !isStale && "nothing delivered now"
        }
        to="/deliveries"
        state="DELIVERED"
      />
      <Tile
        label="Backlog"
        value={short(gauge("backlog"))}
        note="events waiting"
        to="/subscriptions"
      />
      <Tile
        label="Retrying"
        value={short(gauge("retrying"))}
        note="deliveries waiting"
        to="/deliveries"
        state="RETRYING"
        tone={gauge("retrying") ? "warn" : undefined}
      />
      {showsStreams && (
        <Tile
          label="Live streams"
          value={short(gauge("streams"))}
          note="open now"
          to="/overview/streams"
        />
      )}
    </ul>
  );
}

interface TileProps {
  label: string;
  value: string | undefined;
  unit?: string;
  /** Undefined until there are figures; its line is kept free. */
  note: string | false | undefined;
  to: "/deliveries" | "/events" | "/overview/streams" | "/subscriptions";
  /** Of the deliveries it leads to. */
  state?: string;
  tone?: "bad" | "warn";
}

function Tile({ label, value, unit, note, to, state, tone }: TileProps) {
  return (
    <li>
      <Link
        to={to}
        search={({ tenant }) => ({ tenant, state })}
        className={clsx(styles.tile, tone && styles[tone])}
      >
        <span className={styles.label}>{label}</span>
        <span className={styles.value}>
          {value ?? "–"}
          {unit && value !== undefined && <span className={styles.unit}>{unit}</span>}
        </span>
        <span className={styles.note}>{note || "\u00a0"}</span>
      </Link>
    </li>
  );
}

function perSecond(rate: number | undefined): string | undefined {
  return rate === undefined ? undefined : shortNumber(rate);
}

function short(value: number | undefined): string | undefined {
  return value === undefined ? undefined : shortNumber(value);
}
