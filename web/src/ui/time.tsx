import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { useEffect, useState } from "react";
import { dayAndClock, relative, rfc3339 } from "./format/time";
import { useVisible } from "./media";

/** An instant in local time, with UTC on hover. */
export function Instant({ time }: { time: Timestamp | undefined }) {
  if (!time) return <span>never</span>;
  return (
    <time dateTime={rfc3339(time)} title={rfc3339(time)}>
      {dayAndClock(time)}
    </time>
  );
}

/** An instant as its distance from now. */
export function Ago({ time }: { time: Timestamp | undefined }) {
  const now = useNow();
  if (!time) return <span>never</span>;
  return (
    <time data-ago dateTime={rfc3339(time)} title={dayAndClock(time)}>
      {relative(time, now)}
    </time>
  );
}

/** The time in milliseconds, updated every second; not updated in a hidden tab. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  const isVisible = useVisible();
  useEffect(() => {
    if (!isVisible) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isVisible]);
  return now;
}
