import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import {
  createConnectQueryKey,
  type SkipToken,
  type UseQueryOptions,
  useQuery,
  useTransport,
} from "@connectrpc/connect-query";
import {
  type QueryClient,
  type QueryKey,
  type UseQueryResult,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import type { LiveStatus } from "../live/status.js";
import type { StreamOptions, Subscription } from "../live/subscription.js";
import { loadedOf, type Patch, Patching } from "./patch.js";
import { Refresher } from "./refresher.js";
import { keepWatch } from "./watch.js";

interface Refreshing {
  /** The minimum time between two loads that the stream causes, in milliseconds; default: 250. */
  refreshMs?: number | undefined;
}

/** The events that change a response, and how. */
export interface EventsOptions<Answer, Event> extends Refreshing {
  /** Opens the subscription: `(options) => client.subscribe(["order.*"], options)`. */
  subscribe: (options: StreamOptions) => Subscription<Event>;
  /** Without it, an event reloads the response. */
  patch?: Patch<Answer, Event> | undefined;
  watch?: undefined;
}

/** The watch of the server that reports changes of a response. */
export interface WatchOptions<Message> extends Refreshing {
  /** Opens the watch, which sends a snapshot, a marker, then changes: `(signal) => rpc.watchDeliveries({}, { signal })`. */
  watch: (signal: AbortSignal) => AsyncIterable<Message>;
  /** The meaning of a message: the marker after the snapshot, a change, or nothing of interest. */
  read: (message: Message) => "marker" | "change" | undefined;
  subscribe?: undefined;
  patch?: undefined;
}

/** The source that keeps a response up to date: the events of a subscription, or a watch. */
export type LiveQueryOptions<Answer, Told> = EventsOptions<Answer, Told> | WatchOptions<Told>;

/** The result of a query, with the status of the stream that keeps it up to date. */
export type LiveQueryResult<Answer> = UseQueryResult<Answer, ConnectError> & {
  readonly live: LiveStatus;
};

/** A response in the query cache. */
interface Cached<Answer> {
  get(): Answer | undefined;
  set(answer: Answer): void;
  load(): Promise<void>;
}

const defaultRefreshMs = 250;
const opening: LiveStatus = { state: "connecting" };

/**
 * A connect-query whose response follows the log. Nothing is missed between loading and subscribing. With a patch, the
 * subscription begins at the cursor at which the response was read, and anew with each response that is loaded. Without
 * one, the response is reloaded once the subscription is active, and with a watch once its snapshot is complete.
 */
export function useLiveQuery<Input extends DescMessage, Output extends DescMessage, Told>(
  method: DescMethodUnary<Input, Output>,
  input: SkipToken | MessageInitShape<Input>,
  options: LiveQueryOptions<MessageShape<Output>, Told>,
  queryOptions: UseQueryOptions<Output> = {},
): LiveQueryResult<MessageShape<Output>> {
  type Answer = MessageShape<Output>;
  const queries = useQueryClient();
  const ownTransport = useTransport();
  const transport = queryOptions.transport ?? ownTransport;
  const query = useQuery(method, input, queryOptions);
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });

  const key = createConnectQueryKey({
    schema: method,
    input,
    transport,
    cardinality: "finite",
  });
  const id = JSON.stringify(key);
  // The key by its content: it is made anew with each render.
  // biome-ignore lint/correctness/useExhaustiveDependencies: id stands for key.
  const cached = useMemo<Cached<Answer>>(
    () => ({
      get: () => queries.getQueryData<Answer>(key),
      set: (answer) => queries.setQueryData<Answer>(key, answer as never),
      load: () => loadAgain(queries, key),
    }),
    [queries, id],
  );

  const { data } = query;
  const patches = options.patch !== undefined;
  // An answer of other input stands in until that of this one is there.
  const loaded = patches && data && !query.isPlaceholderData ? loadedOf(data) : undefined;
  const isAsked = typeof input !== "symbol" && queryOptions.enabled !== false;
  const isWanted = isAsked && (!patches || loaded !== undefined);

  const [live, setLive] = useState(opening);
  useEffect(() => {
    if (!isWanted) return;
    const { current: now } = latest;
    const refresher = new Refresher(cached.load, now.refreshMs ?? defaultRefreshMs);
    const patching =
      loaded && now.patch && new Patching(cached, loaded, () => latest.current.patch);
    const stream = now.watch
      ? followWatch(now, refresher.refresh)
      : follow(now, refresher.refresh, patching);
    const stopShowing = stream.onStatus(setLive);
    setLive(stream.status);
    return () => {
      stopShowing();
      refresher.stop();
      stream.close();
    };
  }, [cached, loaded, isWanted]);
  return { ...query, live };
}

/** The source of the changes of a query's response. */
type Feed = Pick<Subscription<unknown>, "status" | "onStatus" | "close">;

/** Reads the events of a subscription. Each is patched into the response or reloads it. */
function follow<Answer, Event>(
  { subscribe }: EventsOptions<Answer, Event>,
  refresh: () => void,
  patching: Patching<Answer & object, Event> | undefined,
): Feed {
  const from: StreamOptions = patching ? { start: patching.place } : { onBegin: once(refresh) };
  const subscription = subscribe({ ...from, onGap: refresh });
  const take = (event: Event) => {
    if (!patching?.take(event, subscription.cursor ?? "")) refresh();
  };
  // The status tells what ended it.
  subscription.each(take).catch(() => {});
  return subscription;
}

/** Reads a watch. The snapshot of a connection includes everything that was missed since the previous one. */
function followWatch<Message>({ watch, read }: WatchOptions<Message>, refresh: () => void): Feed {
  const stream = keepWatch({ open: watch, isMarker: (message) => read(message) === "marker" });
  const take = (message: Message) => {
    if (read(message)) refresh();
  };
  // The status tells what ended it.
  stream.each(take).catch(() => {});
  return stream;
}

/**
 * Reloads the response. A current load is restarted, unless it is the first one: that is awaited, although its result
 * may have been read too early.
 */
async function loadAgain(queries: QueryClient, queryKey: QueryKey): Promise<void> {
  const which = { queryKey, exact: true };
  const state = queries.getQueryState(queryKey);
  if (state?.fetchStatus === "fetching" && state.data === undefined) {
    await queries.refetchQueries(which);
  }
  await queries.refetchQueries(which);
}

function once(call: () => void): () => void {
  let called = false;
  return () => {
    if (!called) call();
    called = true;
  };
}
