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
import { type UseQueryResult, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import type { LiveStatus } from "../live/status.js";
import type { StreamOptions, Subscription } from "../live/subscription.js";
import { Refresher } from "./refresher.js";
import { keepWatch } from "./watch.js";

/** How an answer is changed by an event, for answers that say where in the log they were read. */
export interface Patch<Answer, Event> {
  /** The place in the log the answer was read at: events after it are not in it. */
  cursor(answer: Answer): string;
  /** The answer with the event, or nothing where that cannot be said: it is loaded again then. */
  apply(answer: Answer, event: Event): Answer | undefined;
}

interface Refreshing {
  /** Between two loads that the stream causes, in milliseconds; 250 when absent. */
  refreshMs?: number | undefined;
}

/** Which events change an answer, and how. */
export interface EventsOptions<Answer, Event> extends Refreshing {
  /** Opens the subscription: `(options) => client.subscribe(["order.*"], options)`. */
  subscribe: (options: StreamOptions) => Subscription<Event>;
  /** Without it, an event makes the answer be loaded again. */
  patch?: Patch<Answer, Event> | undefined;
  watch?: undefined;
}

/** Which of the server's watches tells that an answer has changed. */
export interface WatchOptions<Message> extends Refreshing {
  /** Opens the watch, which sends a snapshot, a marker, then changes: `(signal) => rpc.watchDeliveries({}, { signal })`. */
  watch: (signal: AbortSignal) => AsyncIterable<Message>;
  /** What a message is: the marker after the snapshot, a change, or nothing of interest. */
  read: (message: Message) => "marker" | "change" | undefined;
  subscribe?: undefined;
  patch?: undefined;
}

/** What keeps an answer current: the events of a subscription, or a watch. */
export type LiveQueryOptions<Answer, Told> = EventsOptions<Answer, Told> | WatchOptions<Told>;

/** What a query answers, and where the stream is that keeps it current. */
export type LiveQueryResult<Answer> = UseQueryResult<Answer, ConnectError> & {
  readonly live: LiveStatus;
};

const defaultRefreshMs = 250;
const opening: LiveStatus = { state: "connecting" };

/**
 * A connect-query whose answer follows the log. Nothing is missed between loading and subscribing: with a patch, the
 * subscription begins at the place the answer was read at, and anew with each answer that is loaded; without one, the
 * answer is loaded again once the subscription is on, and with a watch once its snapshot is complete.
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
  const cached = useMemo(() => {
    const patched = new WeakSet<object>();
    return {
      patched,
      get: () => queries.getQueryData<Answer>(key),
      patch: (answer: Answer) => {
        queries.setQueryData<Answer>(key, answer as never);
        // What is kept may be another object of the same content.
        const kept = queries.getQueryData<Answer>(key);
        if (kept) patched.add(kept);
      },
      load: () => queries.refetchQueries({ queryKey: key, exact: true }),
    };
  }, [queries, id]);

  const { data } = query;
  const patches = options.patch !== undefined;
  // The last answer that was loaded: one that was patched is the same with more in it.
  const loaded = useRef<Answer | undefined>(undefined);
  if (!data || !cached.patched.has(data)) loaded.current = data;
  const base = patches ? loaded.current : undefined;
  const isWanted = typeof input !== "symbol" && (!patches || base !== undefined);

  const [live, setLive] = useState(opening);
  useEffect(() => {
    if (!isWanted) return;
    const { current: now } = latest;
    const refresher = new Refresher(cached.load, now.refreshMs ?? defaultRefreshMs);
    const start = base && now.patch?.cursor(base);
    const stream = now.watch
      ? followWatch(now, refresher.refresh)
      : follow(now, start, refresher.refresh, (event) => {
          const answer = cached.get();
          const next = answer && latest.current.patch?.apply(answer, event);
          if (next) cached.patch(next);
          return next !== undefined;
        });
    const stopShowing = stream.onStatus(setLive);
    setLive(stream.status);
    return () => {
      stopShowing();
      refresher.stop();
      stream.close();
    };
  }, [cached, base, isWanted]);
  return { ...query, live };
}

/** What a query's answer is kept current by. */
type Feed = Pick<Subscription<unknown>, "status" | "onStatus" | "close">;

/** Reads the events of a subscription, each of which is patched in or else makes the answer be loaded again. */
function follow<Answer, Event>(
  { subscribe }: EventsOptions<Answer, Event>,
  start: string | undefined,
  refresh: () => void,
  patches: (event: Event) => boolean,
): Feed {
  const from: StreamOptions = start ? { start } : { onBegin: once(refresh) };
  const subscription = subscribe({ ...from, onGap: refresh });
  const read = async () => {
    for await (const event of subscription) if (!patches(event)) refresh();
  };
  // The status tells what ended it.
  read().catch(() => {});
  return subscription;
}

/** Reads a watch. Whatever it missed between two connections is in the snapshot of the next one. */
function followWatch<Message>({ watch, read }: WatchOptions<Message>, refresh: () => void): Feed {
  const stream = keepWatch({ open: watch, isMarker: (message) => read(message) === "marker" });
  const readAll = async () => {
    for await (const message of stream.messages()) if (read(message)) refresh();
  };
  // The status tells what ended it.
  readAll().catch(() => {});
  return stream;
}

function once(call: () => void): () => void {
  let called = false;
  return () => {
    if (!called) call();
    called = true;
  };
}
