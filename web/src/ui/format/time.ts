import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";

const two = (n: number) => String(n).padStart(2, "0");

/** "14:05:09.123" in local time. */
export function clock(time: Timestamp): string {
  const date = timestampDate(time);
  const ms = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}

/** "14:05", or "14:05:09" with seconds, in local time; with the day before it unless that is today. */
export function shortClock(time: Timestamp, now: number, seconds = false): string {
  const date = timestampDate(time);
  const text = clock(time).slice(0, seconds ? 8 : 5);
  return date.toDateString() === new Date(now).toDateString() ? text : `${day(time)} ${text}`;
}

/** "2026-01-31" in local time. */
export function day(time: Timestamp): string {
  const date = timestampDate(time);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** "2026-01-31 14:05:09.123" in local time. */
export function dayAndClock(time: Timestamp): string {
  return `${day(time)} ${clock(time)}`;
}

/** The instant as RFC 3339 in UTC, with the milliseconds a browser has. */
export function rfc3339(time: Timestamp): string {
  return timestampDate(time).toISOString();
}

/** Compares two times to the nanosecond: negative, zero or positive. An absent time is before all others. */
export function compareTimes(a: Timestamp | undefined, b: Timestamp | undefined): number {
  if (!a || !b) return (a ? 1 : 0) - (b ? 1 : 0);
  if (a.seconds !== b.seconds) return a.seconds < b.seconds ? -1 : 1;
  return a.nanos - b.nanos;
}

const units: [limit: number, size: number, name: string][] = [
  [60, 1, "s"],
  [3600, 60, "min"],
  [86_400, 3600, "h"],
  [Number.POSITIVE_INFINITY, 86_400, "d"],
];

/** "now", "12 s ago", "in 4 min": seen from `now`, in milliseconds since the epoch. */
export function relative(time: Timestamp, now: number): string {
  const seconds = (timestampDate(time).getTime() - now) / 1000;
  const distance = Math.abs(seconds);
  if (distance < 1) return "now";
  const [, size, name] = units.find(([limit]) => distance < limit) ?? [0, 1, "s"];
  const text = `${Math.floor(distance / size)} ${name}`;
  return seconds < 0 ? `${text} ago` : `in ${text}`;
}
