import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { Ago, useNow } from "@/ui/time";

/** A due attempt starts when its subscription continues. */
export function NextAttempt({ time }: { time: Timestamp }) {
  return (
    <>
      {timestampMs(time) > useNow() ? "next" : "due"} <Ago time={time} />
    </>
  );
}
