import { type DependencyList, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { LiveStream } from "../live/live-stream.js";
import type { LiveStatus } from "../live/status.js";
import { keepWatch } from "./watch.js";

/** What a component sees of a watch. */
export interface WatchView<Value> {
  /** What the watch has told; undefined before its first snapshot is complete. It stays while the stream is lost or held. */
  readonly value: Value | undefined;
  /** How many snapshots were complete: with each, what was loaded by other calls may be out of date. */
  readonly snapshots: number;
  /** Where the stream is; its error is that of a stream that has ended. */
  readonly status: LiveStatus;
  /** Cuts a wait between two tries short. */
  readonly retryNow: () => void;
}

export interface UseWatchOptions<Value, Message> {
  /** What a snapshot is added to. Each connection brings a new one; `before` is what is known so far. */
  begin: (before: Value | undefined) => Value;
  /** The value with what a message of the snapshot, the marker, or a later message says. */
  fold: (value: Value, message: Message) => Value;
  /** Whether the message is the marker: the snapshot is complete with it, and is shown. */
  isMarker: (message: Message) => boolean;
  /** False holds the watch; it begins with a new snapshot afterwards. */
  enabled?: boolean | undefined;
}

/** Changes that arrive together are shown together. */
const batchMs = 50;
const held: LiveStatus = { state: "ended" };
const opening: LiveStatus = { state: "connecting" };

/** What outlives a watch that is held: until the dependencies change. */
interface Session<Value> {
  value: Value | undefined;
  snapshots: number;
  retryNow?: () => void;
}

interface Latest<Value, Message> extends UseWatchOptions<Value, Message> {
  open: (signal: AbortSignal) => AsyncIterable<Message>;
}

/**
 * Follows one of the server's watches for as long as the component is shown: the snapshot, and what changes after it, as
 * one value. `open` opens it: `(signal) => rpc.watchStreams({}, { signal, timeoutMs: 0 })`. When one of `deps` changes,
 * all begins anew.
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

/** Reads a session's watch until the answer is called. */
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

/** One watch as it is read: a snapshot is gathered aside until it is complete. */
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
