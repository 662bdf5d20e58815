export {
  type EventsOptions,
  type LiveQueryOptions,
  type LiveQueryResult,
  type Patch,
  useLiveQuery,
  type WatchOptions,
} from "./use-live-query.js";
