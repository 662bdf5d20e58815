import { createClient } from "@connectrpc/connect";
import { useTransport } from "@connectrpc/connect-query";
import { useEffect, useMemo, useRef } from "react";
import { StatsService } from "#gen/postrider/v1/stats_pb";
import { useClaim } from "@/live/context";
import { useAccess } from "@/rpc/session";
import { useStore } from "@/store/store";
import { useVisible } from "@/ui/media";
import { useNow } from "@/ui/time";
import { type Series, seriesOf } from "./series";
import { StatsWatch } from "./watch";
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

/** The tenant's figures over a span, for as long as they are looked at: a hidden tab asks for nothing. */
export function useStats(spanMs: number): Stats {
  const { tenant } = useAccess();
  const transport = useTransport();
  const watch = useMemo(
    () => new StatsWatch(createClient(StatsService, transport), tenant, spanMs),
    [transport, tenant, spanMs],
  );
  useClaim(useVisible() ? watch.stream : undefined, "list");
  const live = useStore(watch.stream.state);
  const view = useStore(watch.view);
  const now = useNow();
  const isStale = live.kind !== "live" && now - view.receivedAt > staleAfterMs;
  const { window, receivedAt, clockOffset } = view;
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
