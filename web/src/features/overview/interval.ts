import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { clock, day } from "@/ui/format/time";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** An interval as one reads it off a clock: "14:05:09", "14:05", "2026-01-31 14:00", by its length. */
export function intervalText(start: number, resolutionMs: number): string {
  const time = timestampFromMs(start);
  const hours = clock(time);
  if (resolutionMs < minuteMs) return hours.slice(0, 8);
  if (resolutionMs < hourMs) return hours.slice(0, 5);
  return `${day(time)} ${hours.slice(0, 5)}`;
}
