import type { TypeTraffic } from "#gen/postrider/v1/event_type_pb";
import { Facts } from "@/ui/facts";
import { Ago } from "@/ui/time";

/** The events of a day are exact up to this number; one more means "more". */
const countLimit = 10_000n;

/** How much a type is used. */
export function Traffic({ traffic }: { traffic: TypeTraffic | undefined }) {
  if (!traffic) return <p>No usage is known.</p>;
  const { eventsLastDay, lastEventTime, warned, refused, ignored, ignoredFields } = traffic;
  return (
    <Facts
      facts={[
        ["last 24 h", eventsLastDay > countLimit ? "10,000+ events" : events(eventsLastDay)],
        ["newest", <Ago key="newest" time={lastEventTime} />],
        ["warned", warned > 0n && `${events(warned)} since the server's start`],
        ["refused", refused > 0n && `${events(refused)} since the server's start`],
        [
          "fields left out",
          ignored > 0n &&
            `of ${events(ignored)} since the server's start: ${ignoredFields.join(", ")}`,
        ],
      ]}
    />
  );
}

function events(count: bigint): string {
  return `${count.toLocaleString("en")} ${count === 1n ? "event" : "events"}`;
}
