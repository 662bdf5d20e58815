import type { Attempt } from "#gen/postrider/v1/delivery_pb";
import { milliseconds } from "@/ui/format/duration";

export type PartName = "DNS" | "Connect" | "TLS" | "Wait" | "Rest";

export interface TimingPart {
  name: PartName;
  ms: number;
}

/** Where an attempt's time went, in order; parts that did not happen are left out. Undefined while it has no duration. */
export function timingParts({ timings, duration }: Attempt): TimingPart[] | undefined {
  if (!duration) return undefined;
  const parts: TimingPart[] = [
    { name: "DNS", ms: milliseconds(timings?.dns) },
    { name: "Connect", ms: milliseconds(timings?.connect) },
    { name: "TLS", ms: milliseconds(timings?.tls) },
    { name: "Wait", ms: milliseconds(timings?.firstByte) },
  ];
  const known = parts.reduce((sum, { ms }) => sum + ms, 0);
  parts.push({ name: "Rest", ms: Math.max(0, milliseconds(duration) - known) });
  return parts.filter(({ ms }) => ms > 0);
}
