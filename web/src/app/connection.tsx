import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { useSlot } from "@/live/context";
import { useReachability } from "@/rpc/reachability-context";
import { useStore } from "@/store/store";
import { liveStatus, type Status } from "@/theme/status";
import { Dot } from "@/ui/badge";
import { Ago, useNow } from "@/ui/time";
import styles from "./connection.module.css";

const unreachable: Status = { ...liveStatus.offline, label: "No response" };

/** Whether what is shown is current: the state of the tab's stream or, without one, of the last call. */
export function Connection() {
  const slot = useSlot();
  const state = useStore(slot.state);
  const { reachable } = useStore(useReachability());
  const status = state.kind === "idle" && !reachable ? unreachable : liveStatus[state.kind];
  const waits = state.kind === "reconnecting" || state.kind === "offline";
  return (
    <div className={styles.connection} title={status.hint}>
      <Dot status={status} />
      <span role="status" className={styles.label}>
        {status.label}
      </span>
      {waits && <Countdown until={state.retryAt} />}
      {waits && (
        <button type="button" className={styles.retry} onClick={slot.retryNow}>
          Retry now
        </button>
      )}
    </div>
  );
}

/** Shows below the header that the page is not updated, with the time at which it was last current. */
export function OfflineStrip() {
  const state = useStore(useSlot().state);
  const { reachable, lastAnswer } = useStore(useReachability());
  const isOff = state.kind === "offline" || (state.kind === "idle" && !reachable);
  if (!isOff) return null;
  return (
    <section className={styles.strip} aria-label="Connection lost">
      The server cannot be reached. The page may be out of date
      {lastAnswer > 0 && (
        <>
          , it is from <Ago time={timestampFromMs(lastAnswer)} />
        </>
      )}
      . It catches up as soon as the server is back.
    </section>
  );
}

/** Outside the live region: nobody wants every second read aloud. */
function Countdown({ until }: { until: number }) {
  const seconds = Math.ceil((until - useNow()) / 1000);
  return seconds > 1 ? <span className={styles.wait}>{seconds} s</span> : null;
}
