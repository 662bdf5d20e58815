import { type DependencyList, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { LiveStream } from "../live/live-stream.js";
import type { LiveStatus } from "../live/status.js";
import { keepWatch } from "./watch.js";

/** The state of a watch in a component. */
export interface WatchView<Value> {
  /** The value; undefined before the first snapshot is complete. It stays while the stream is lost or paused. */
  readonly value: Value | undefined;
  /** The number of complete snapshots. With each, data that was loaded by other calls may be out of date. */
  readonly snapshots: number;
  /** The status of the stream; its error is that of an ended stream. */
  readonly status: LiveStatus;
  /** Retries now instead of waiting for the next attempt. */
  readonly retryNow: () => void;
}

export interface UseWatchOptions<Value, Message> {
  /** The initial value of a snapshot. Each connection sends a new snapshot; `before` is the value so far. */
  begin: (before: Value | undefined) => Value;
  /** Returns the value after a message of the snapshot, the marker, or a later message. */
  fold: (value: Value, message: Message) => Value;
  /** Whether the message is the marker. It completes the snapshot, which is then shown. */
  isMarker: (message: Message) => boolean;
  /** False pauses the watch; it continues with a new snapshot. */
  enabled?: boolean | undefined;
}

/** Changes that arrive together are shown together. */
const batchMs = 50;
const held: LiveStatus = { state: "ended" };
const opening: LiveStatus = { state: "connecting" };

/** The state that a paused watch keeps until the dependencies change. */
interface Session<Value> {
  value: Value | undefined;
  snapshots: number;
  retryNow?: () => void;
}

interface Latest<Value, Message> extends UseWatchOptions<Value, Message> {
  open: (signal: AbortSignal) => AsyncIterable<Message>;
}

/**
 * Follows a watch of the server while the component is mounted: the snapshot and the later changes, as one value.
 * `open` opens it: `(signal) => rpc.watchStreams({}, { signal, timeoutMs: 0 })`. When one of `deps` changes, everything
 * begins anew.
 */
export function useWatch<Value, Message>(
  open: (signal: AbortSignal) => AsyncIterable<Message>,
  deps: DependencyList,
  { enabled = true, ...options }: UseWatchOptions<Value, Message>,
): WatchView<Value> {
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new session is what the dependencies are for.
  const session = useMemo<Session<Value>>(() => ({ value: undefined, snapshots: 0 }), deps);
  const [shown, setShown] = useState({ ...session, session, status: opening });
  const latest = useRef<Latest<Value, Message>>({ open, ...options });
  useEffect(() => {
    latest.current = { open, ...options };
  });
  useEffect(() => {
    if (!enabled) return;
    return run(session, latest, (status) => setShown({ ...session, session, status }));
  }, [session, enabled]);
  const retryNow = useCallback(() => session.retryNow?.(), [session]);
  const { value, snapshots, status } =
    shown.session === session ? shown : { ...session, status: opening };
  return { value, snapshots, status: enabled ? status : held, retryNow };
}

/** Reads the watch of a session until the returned function is called. */
function run<Value, Message>(
  session: Session<Value>,
  latest: { current: Latest<Value, Message> },
  show: (status: LiveStatus) => void,
): () => void {
  const reading = new Reading(session, latest);
  const { stream } = reading;
  session.retryNow = stream.retryNow;
  let flush: ReturnType<typeof setTimeout> | undefined;
  const showNow = () => {
    clearTimeout(flush);
    flush = undefined;
    show(stream.status);
  };
  const stopWatching = stream.onStatus(showNow);
  showNow();
  // The status tells what ended it.
  reading
    .read((isSnapshot) => {
      if (isSnapshot) showNow();
      else flush ??= setTimeout(showNow, batchMs);
    })
    .catch(() => {});
  return () => {
    clearTimeout(flush);
    stopWatching();
    stream.close();
    show(opening);
  };
}

/** One watch being read: a snapshot replaces the value when it is complete. */
class Reading<Value, Message> {
  readonly stream: LiveStream<Message>;
  readonly #session: Session<Value>;
  readonly #latest: { current: Latest<Value, Message> };
  #snapshot: { value: Value } | undefined;

  constructor(session: Session<Value>, latest: { current: Latest<Value, Message> }) {
    this.#session = session;
    this.#latest = latest;
    this.stream = keepWatch<Message>({
      open: (signal) => {
        this.#snapshot = { value: latest.current.begin(session.value) };
        return latest.current.open(signal);
      },
      isMarker: (message) => latest.current.isMarker(message),
    });
  }

  read(changed: (isSnapshot: boolean) => void): Promise<void> {
    return this.stream.each((message) => {
      const isSnapshot = this.#snapshot !== undefined;
      this.#take(message);
      if (!this.#snapshot) changed(isSnapshot);
    });
  }

  #take(message: Message): void {
    const { fold, isMarker } = this.#latest.current;
    const session = this.#session;
    const snapshot = this.#snapshot;
    if (!snapshot) {
      session.value = fold(session.value as Value, message);
      return;
    }
    snapshot.value = fold(snapshot.value, message);
    if (!isMarker(message)) return;
    session.value = snapshot.value;
    session.snapshots++;
    this.#snapshot = undefined;
  }
}
