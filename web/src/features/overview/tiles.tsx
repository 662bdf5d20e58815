import { Link } from "@tanstack/react-router";
import { clsx } from "@/ui/clsx";
import { shortDuration } from "@/ui/format/duration";
import { percentText, rateText, shortNumber } from "@/ui/format/number";
import { type CountName, type GaugeName, readLatency } from "./point";
import { peak, presentGauge, presentRate, successPercent, total } from "./present";
import type { Stats } from "./queries";
import type { Span } from "./span";
import styles from "./tiles.module.css";

interface Props {
  stats: Stats;
  span: Span;
  /** The number of streams is shown to users who may see them. */
  showsStreams: boolean;
}

/** Figures of the whole span, with the present beside them, each leading to what is behind it. */
export function Tiles({ stats, span, showsStreams }: Props) {
  const { window, series, isStale } = stats;
  const points = window?.points ?? [];
  const sum = (name: CountName) => (window ? shortNumber(total(points, name)) : undefined);
  const rate = (name: CountName) => {
    const now = series && presentRate(series, name);
    return now === undefined ? undefined : `now ${rateText(now)}`;
  };
  const now = (name: GaugeName) => window && presentGauge(window, name);
  const gauge = (name: GaugeName) => {
    const most = peak(points, name);
    return {
      value: most === undefined ? undefined : shortNumber(most),
      unit: "at most",
      note: now(name) === undefined ? undefined : `now ${shortNumber(now(name) ?? 0)}`,
    };
  };
  const latency = readLatency(window?.tables?.totals?.latency);
  const [p95, unit] = latency ? shortDuration(latency.p95).split(" ") : [];
  const success = successPercent(points);
  const dead = total(points, "dead");
  const failed = total(points, "failed");
  return (
    <ul
      className={clsx(styles.tiles, isStale && styles.stale)}
      aria-label={`Key figures of ${span.words}`}
    >
      <Tile label="Published" value={sum("published")} note={rate("published")} to="/events" />
      <Tile
        label="Delivered"
        value={sum("delivered")}
        note={rate("delivered")}
        to="/deliveries"
        state="DELIVERED"
      />
      <Tile
        label="Failed attempts"
        value={sum("failed")}
        note={dead > 0 ? `${shortNumber(dead)} dead, ${rate("failed") ?? ""}` : rate("failed")}
        to="/deliveries"
        state="FAILED"
        tone={failed > 0 ? "bad" : undefined}
      />
      <Tile
        label="Success"
        value={success === undefined ? undefined : percentText(success).replace(" %", "")}
        unit="%"
        note="of attempts"
        to="/subscriptions"
        state={success !== undefined && success < 99 ? "failing" : undefined}
        tone={success !== undefined && success < 99 ? "bad" : undefined}
      />
      <Tile
        label="Latency p95"
        value={p95}
        unit={unit}
        note={
          latency
            ? `p50 ${shortDuration(latency.p50)}, p99 ${shortDuration(latency.p99)}`
            : window && "nothing delivered"
        }
        to="/deliveries"
        state="DELIVERED"
      />
      <Tile label="Backlog" {...gauge("backlog")} to="/subscriptions" />
      <Tile
        label="Retrying"
        {...gauge("retrying")}
        to="/deliveries"
        state="RETRYING"
        tone={now("retrying") ? "warn" : undefined}
      />
      {showsStreams && <Tile label="Live streams" {...gauge("streams")} to="/overview/streams" />}
    </ul>
  );
}

interface TileProps {
  label: string;
  value: string | undefined;
  unit?: string | undefined;
  /** Undefined until there are figures; its line is kept free. */
  note: string | false | undefined;
  to: "/deliveries" | "/events" | "/overview/streams" | "/subscriptions";
  /** Of the deliveries or subscriptions it leads to. */
  state?: string | undefined;
  tone?: "bad" | "warn" | undefined;
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
