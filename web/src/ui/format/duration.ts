import type { Duration } from "@bufbuild/protobuf/wkt";

export function milliseconds(duration: Duration | undefined): number {
  return duration ? Number(duration.seconds) * 1000 + duration.nanos / 1e6 : 0;
}

/** "0.4 ms", "12 ms", "1.25 s", "2.5 min": three digits at most say enough. */
export function shortDuration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  if (ms < 3_600_000) return `${(ms / 60_000).toFixed(1)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

const sizes: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Reads "15s", "1.5 h" or "1h30m" to milliseconds; undefined when it is something else. */
export function parseDuration(text: string): number | undefined {
  const compact = text.replaceAll(" ", "").toLowerCase();
  if (!/^(\d+(\.\d+)?(ms|s|min|m|h|d))+$/.test(compact)) return undefined;
  let total = 0;
  for (const [, amount, unit] of compact.matchAll(/(\d+(?:\.\d+)?)(ms|s|min|m|h|d)/g)) {
    total += Number(amount) * (sizes[unit ?? ""] ?? 0);
  }
  return Math.round(total);
}

/** Writes milliseconds so that parseDuration reads them back: "1h30m", "15s", "100ms". */
export function writeDuration(ms: number): string {
  let rest = Math.round(ms);
  let text = "";
  for (const unit of ["d", "h", "m", "s", "ms"]) {
    const size = sizes[unit] ?? 1;
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount > 0) text += `${amount}${unit}`;
  }
  return text || "0s";
}
