import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { useEffect, useState } from "react";
import { day } from "@/ui/format/time";
import type { TailRow } from "./tail";

/** The list's rows, with the day above the events of each day but today. */
export type ListRow = TailRow | { kind: "day"; key: string; label: string };

/** `today` as `day` writes it. The rows are newest first. */
export function withDays(rows: readonly TailRow[], today: string): readonly ListRow[] {
  const all: ListRow[] = [];
  let current = today;
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const row of rows) {
    const time = row.kind === "event" ? row.event.acceptTime : undefined;
    const seconds = Number(time?.seconds ?? 0);
    // Thousands of rows are of one day: its name is worked out once.
    if (time && !(seconds >= from && seconds < to)) {
      const found = day(time);
      [from, to] = boundsOf(time);
      if (found !== current) all.push({ kind: "day", key: `day ${found}`, label: dayLabel(time) });
      current = found;
    }
    all.push(row);
  }
  return all.length === rows.length ? rows : all;
}

/** Where the day of an instant begins and ends in local time, in seconds since the epoch. */
function boundsOf(time: Timestamp): [from: number, to: number] {
  const date = new Date(Number(time.seconds) * 1000);
  const [year, month, of] = [date.getFullYear(), date.getMonth(), date.getDate()];
  return [
    new Date(year, month, of).getTime() / 1000,
    new Date(year, month, of + 1).getTime() / 1000,
  ];
}

/** "Tuesday, 2026-12-01". */
function dayLabel(time: Timestamp): string {
  const name = new Date(Number(time.seconds) * 1000).toLocaleDateString("en", { weekday: "long" });
  return `${name}, ${day(time)}`;
}

/** Today as `day` writes it, also after midnight. */
export function useToday(): string {
  const [today, setToday] = useState(dayNow);
  useEffect(() => {
    const timer = setInterval(() => setToday(dayNow()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return today;
}

function dayNow(): string {
  return day({
    $typeName: "google.protobuf.Timestamp",
    seconds: BigInt(Math.floor(Date.now() / 1000)),
    nanos: 0,
  });
}
