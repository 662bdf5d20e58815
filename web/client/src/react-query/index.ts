export {
  type EventsOptions,
  type LiveQueryOptions,
  type LiveQueryResult,
  type Patch,
  useLiveQuery,
  type WatchOptions,
} from "./use-live-query.js";
export { type UseWatchOptions, useWatch, type WatchView } from "./use-watch.js";
