import { type DependencyList, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { LiveStatus } from "../live/status.js";
import type { StreamOptions, Subscription } from "../live/subscription.js";

/** The state of a subscription in a component. */
export interface SubscriptionView<Event> {
  /** The newest events, oldest first. */
  readonly events: readonly Event[];
  /** The status of the stream; its error is that of an ended stream. */
  readonly status: LiveStatus;
  /** Retries now instead of waiting for the next attempt. */
  readonly retryNow: () => void;
}

export interface UseSubscriptionOptions<Event> {
  /** False pauses the subscription; it resumes after the last event. */
  enabled?: boolean | undefined;
  /** The number of events that are kept; default: 100, 0 for none. */
  keep?: number | undefined;
  /** Called with each event, whether it is kept or not. */
  onEvent?: ((event: Event) => void) | undefined;
}

/** Events that arrive together are shown together. */
const batchMs = 50;
const held: LiveStatus = { state: "ended" };
const opening: LiveStatus = { state: "connecting" };

/** The state that a paused subscription keeps until the dependencies change. */
interface Session<Event> {
  events: readonly Event[];
  resume: Pick<StreamOptions, "start">;
  subscription?: Subscription<Event>;
}

/**
 * Subscribes while the component is mounted. `open` creates the subscription, with any of the clients: `(resume) =>
 * client.subscribe(["order.*"], { start: "earliest", ...resume })`. When one of `deps` changes, everything begins anew.
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

/** Reads the subscription of a session until the returned function is called. */
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
