import type { LiveStatus } from "@postrider/client";

/** What a stream asks the server for a sign of life at. */
export const heartbeatMs = 5000;

/** Where a live stream is, as the page says it. */
export type LiveState =
  | { kind: "idle" }
  /** Another stream has the tab's only slot; this one resumes from its cursor afterwards. */
  | { kind: "held" }
  | { kind: "connecting" }
  | { kind: "catching-up" }
  | { kind: "live" }
  | { kind: "reconnecting"; retryAt: number }
  | { kind: "offline"; retryAt: number }
  /** The server will not have it; trying again would not help. */
  | { kind: "failed"; cause: unknown };

/** The state of a stream that has the tab's place, by its status. */
export function liveStateOf({ state, error, retryAt = new Date() }: LiveStatus): LiveState {
  switch (state) {
    case "connecting":
      if (error) return { kind: "reconnecting", retryAt: retryAt.getTime() };
      return { kind: "connecting" };
    case "offline":
      return { kind: "offline", retryAt: retryAt.getTime() };
    case "unauthorised":
      return { kind: "failed", cause: error?.cause ?? error };
    case "ended":
      if (error) return { kind: "failed", cause: error.cause ?? error };
      // It has the place and is about to begin.
      return { kind: "connecting" };
    default:
      return { kind: state };
  }
}
