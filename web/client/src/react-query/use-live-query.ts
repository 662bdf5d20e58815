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

/** How an answer is changed by an event, for answers that say where in the log they were read. */
export interface Patch<Answer, Event> {
  /** The place in the log the answer was read at: events after it are not in it. */
  cursor(answer: Answer): string;
  /** The answer with the event, or nothing where that cannot be said: it is loaded again then. */
  apply(answer: Answer, event: Event): Answer | undefined;
}

/** Which events change an answer, and how. */
export interface LiveOptions<Answer, Event> {
  /** Opens the subscription: `(options) => client.subscribe(["order.*"], options)`. */
  subscribe: (options: StreamOptions) => Subscription<Event>;
  /** Without it, an event makes the answer be loaded again. */
  patch?: Patch<Answer, Event> | undefined;
  /** Between two loads that events cause, in milliseconds; 250 when absent. */
  refreshMs?: number | undefined;
}

/** What a query answers, and where the stream is that keeps it current. */
export type LiveQueryResult<Answer> = UseQueryResult<Answer, ConnectError> & {
  readonly live: LiveStatus;
};

const defaultRefreshMs = 250;
const opening: LiveStatus = { state: "connecting" };

/**
 * A connect-query whose answer follows the log. Nothing is missed between loading and subscribing: with a patch, the
 * subscription begins at the place the answer was read at, and anew with each answer that is loaded; without one, the
 * answer is loaded again once the subscription is on.
 */
export function useLiveQuery<Input extends DescMessage, Output extends DescMessage, Event>(
  method: DescMethodUnary<Input, Output>,
  input: SkipToken | MessageInitShape<Input>,
  options: LiveOptions<MessageShape<Output>, Event>,
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
    const { subscribe, refreshMs = defaultRefreshMs } = latest.current;
    const refresher = new Refresher(cached.load, refreshMs);
    const start = base && latest.current.patch?.cursor(base);
    const subscription = subscribe({
      ...(start ? { start } : {}),
      onStatus: setLive,
      onGap: refresher.refresh,
      ...(start ? {} : { onBegin: once(refresher.refresh) }),
    });
    setLive(subscription.status);
    const read = async () => {
      for await (const event of subscription) {
        const answer = cached.get();
        const next = answer && latest.current.patch?.apply(answer, event);
        if (next) cached.patch(next);
        else refresher.refresh();
      }
    };
    // The status tells what ended it.
    read().catch(() => {});
    return () => {
      refresher.stop();
      subscription.close();
    };
  }, [cached, base, isWanted]);
  return { ...query, live };
}

function once(call: () => void): () => void {
  let called = false;
  return () => {
    if (!called) call();
    called = true;
  };
}
