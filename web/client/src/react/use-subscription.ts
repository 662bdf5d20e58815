import { type DependencyList, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { LiveStatus } from "../live/status.js";
import type { StreamOptions, Subscription } from "../live/subscription.js";

/** What a component sees of a subscription. */
export interface SubscriptionView<Event> {
  /** The newest events, oldest first. */
  readonly events: readonly Event[];
  /** Where the stream is; its error is that of a stream that has ended. */
  readonly status: LiveStatus;
  /** Cuts a wait between two tries short. */
  readonly retryNow: () => void;
}

export interface UseSubscriptionOptions<Event> {
  /** False holds the subscription; it goes on after the last event it brought. */
  enabled?: boolean | undefined;
  /** How many events are kept; 100 when absent, none when 0. */
  keep?: number | undefined;
  /** Called with each event, whether it is kept or not. */
  onEvent?: ((event: Event) => void) | undefined;
}

/** Events that arrive together are shown together. */
const batchMs = 50;
const held: LiveStatus = { state: "ended" };
const opening: LiveStatus = { state: "connecting" };

/** What outlives a subscription that is held: until the dependencies change. */
interface Session<Event> {
  events: readonly Event[];
  resume: Pick<StreamOptions, "start">;
  subscription?: Subscription<Event>;
}

/**
 * Subscribes for as long as the component is shown. `open` makes the subscription, of any of the clients:
 * `(resume) => client.subscribe(["order.*"], { start: "earliest", ...resume })`. When one of `deps` changes, all begins anew.
 */
export function useSubscription<Event>(
  open: (resume: Pick<StreamOptions, "start">) => Subscription<Event>,
  deps: DependencyList,
  { enabled = true, keep = 100, onEvent }: UseSubscriptionOptions<Event> = {},
): SubscriptionView<Event> {
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new session is what the dependencies are for.
  const session = useMemo<Session<Event>>(() => ({ events: [], resume: {} }), deps);
  const [shown, setShown] = useState({ session, events: session.events, status: opening });
  const latest = useRef({ open, keep, onEvent });
  useEffect(() => {
    latest.current = { open, keep, onEvent };
  });
  useEffect(() => {
    if (!enabled) return;
    return run(session, latest, (status) => {
      setShown({ session, events: session.events, status });
    });
  }, [session, enabled]);
  const retryNow = useCallback(() => session.subscription?.retryNow(), [session]);
  const isCurrent = shown.session === session;
  const status = isCurrent ? shown.status : opening;
  return {
    events: isCurrent ? shown.events : session.events,
    status: enabled ? status : held,
    retryNow,
  };
}

/** Reads a session's subscription until the answer is called. */
function run<Event>(
  session: Session<Event>,
  latest: { current: { open: (resume: object) => Subscription<Event> } & Kept<Event> },
  show: (status: LiveStatus) => void,
): () => void {
  const subscription = latest.current.open(session.resume);
  session.subscription = subscription;
  let flush: ReturnType<typeof setTimeout> | undefined;
  const showNow = () => {
    clearTimeout(flush);
    flush = undefined;
    show(subscription.status);
  };
  const stopWatching = subscription.onStatus(showNow);
  show(subscription.status);
  const take = (event: Event) => {
    const { keep, onEvent } = latest.current;
    onEvent?.(event);
    if (keep === 0) return;
    session.events = [...session.events, event].slice(-keep);
    flush ??= setTimeout(showNow, batchMs);
  };
  // The status tells what ended it.
  subscription.each(take).catch(() => {});
  return () => {
    clearTimeout(flush);
    stopWatching();
    subscription.close();
    if (subscription.cursor !== undefined) session.resume = { start: subscription.cursor };
    show(opening);
  };
}

interface Kept<Event> {
  keep: number;
  onEvent?: ((event: Event) => void) | undefined;
}
