"use client";

export type { Patch } from "./patch.js";
export {
  type EventsOptions,
  type LiveQueryOptions,
  type LiveQueryResult,
  useLiveQuery,
  type WatchOptions,
} from "./use-live-query.js";
export { type UseWatchOptions, useWatch, type WatchView } from "./use-watch.js";
