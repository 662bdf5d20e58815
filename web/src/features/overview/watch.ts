import type { StatsServiceWatchResponse } from "#gen/postrider/v1/stats_pb";
import { type StatsWindow, withChange, withSnapshot } from "./window";

/**
 * The data of a watch of the figures. A reconnect begins with a new snapshot, and keeps older data that the snapshot no
 * longer has.
 */
export interface StatsView {
  window: StatsWindow | undefined;
  /** When figures last came, by this machine's clock; 0 before. */
  receivedAt: number;
}

export const nothing: StatsView = { window: undefined, receivedAt: 0 };

export const isMarker = ({ message }: StatsServiceWatchResponse): boolean =>
  message.case === "snapshotEnd";

/** The view after a message. */
export function withMessage(
  { window }: StatsView,
  { message }: StatsServiceWatchResponse,
  spanMs: number,
): StatsView {
  const receivedAt = Date.now();
  switch (message.case) {
    case "snapshot":
      return { window: withSnapshot(window, message.value, spanMs), receivedAt };
    case "change":
      return { window: window && withChange(window, message.value), receivedAt };
    default:
      return { window, receivedAt };
  }
}

/**
 * The difference between the server's time and that of this machine, from the header of a response. Charts end at the
 * server's time.
 */
export function readClockOffset(header: Headers): number {
  const date = Date.parse(header.get("Date") ?? "");
  return Number.isNaN(date) ? 0 : date - Date.now();
}
