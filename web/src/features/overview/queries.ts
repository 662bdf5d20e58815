import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { useTransport } from "@connectrpc/connect-query";
import { useWatch } from "@postrider/client/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { StatsService } from "#gen/postrider/v1/stats_pb";
import { useLiveState, usePlace } from "@/live/context";
import { useAccess } from "@/rpc/session";
import { useStore } from "@/store/store";
import { useNow } from "@/ui/time";
import { type Series, seriesOf } from "./series";
import { isMarker, nothing, readClockOffset, type StatsView, withMessage } from "./watch";
import type { StatsWindow } from "./window";

/** Without figures for this long, and without a connection, what is shown is stale. */
const staleAfterMs = 2500;

/** What the overview shows. */
export interface Stats {
  window: StatsWindow | undefined;
  series: Series | undefined;
  /** The figures are of another span: those of the one that was chosen are on their way. */
  isPending: boolean;
  /** The connection is lost: the figures are of `receivedAt`. */
  isStale: boolean;
  receivedAt: number;
  /** Why the server will not have it. */
  cause: unknown;
}

/** The tenant's figures over a span, for as long as they are shown. */
export function useStats(spanMs: number): Stats {
  const { tenant } = useAccess();
  const transport = useTransport();
  const client = useMemo(() => createClient(StatsService, transport), [transport]);
  const place = usePlace("list");
  const [clockOffset, setClockOffset] = useState(0);
  const onHeader = (header: Headers) => setClockOffset(readClockOffset(header));
  const watch = useWatch(
    (signal) =>
      client.watch({ tenant, span: durationFromMs(spanMs) }, { signal, timeoutMs: 0, onHeader }),
    [client, tenant, spanMs],
    {
      begin: (before?: StatsView) => before ?? nothing,
      fold: (view, message) => withMessage(view, message, spanMs),
      isMarker,
      enabled: useStore(place.isOn),
    },
  );
  const live = useLiveState(place, watch);
  const { window, receivedAt } = watch.value ?? nothing;
  const now = useNow();
  const isStale = live.kind !== "live" && now - receivedAt > staleAfterMs;
  // Only a lost connection lets time itself move the charts.
  const until = isStale ? now + clockOffset : undefined;
  const series = useMemo(
    () => window && seriesOf(window, receivedAt + clockOffset, until),
    [window, receivedAt, clockOffset, until],
  );
  const cause = live.kind === "failed" ? live.cause : undefined;
  const current = { window, series };
  // Until the figures of another span are there, the ones before stay: the page must not blink.
  const shown = useRef(current);
  useEffect(() => {
    if (current.window) shown.current = current;
  });
  const isPending = current.window === undefined;
  return {
    ...(isPending ? shown.current : current),
    isPending,
    isStale: isStale && receivedAt > 0,
    receivedAt,
    cause,
  };
}
