export {
  type LiveOptions,
  type LiveQueryResult,
  type Patch,
  useLiveQuery,
} from "./use-live-query.js";
