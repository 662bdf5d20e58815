import type { LiveStream, WatchStreamsResponse } from "#gen/postrider/v1/stream_pb";

/** Streams shown; the server's snapshot holds no more. */
const streamLimit = 1000;

/** The open streams of a tenant. */
export interface OpenStreams {
  /** By id, the oldest first. */
  streams: ReadonlyMap<string, LiveStream>;
  /** How many are open, those included that are not shown. */
  total: number;
}

export const none: OpenStreams = { streams: new Map(), total: 0 };

export const isMarker = ({ message }: WatchStreamsResponse): boolean =>
  message.case === "snapshotEnd";

/** The open streams with what a message tells: one comes, moves on or goes. */
export function withMessage(open: OpenStreams, { message }: WatchStreamsResponse): OpenStreams {
  switch (message.case) {
    case "snapshotEnd":
      return { streams: open.streams, total: message.value.total };
    case "snapshot":
    case "change":
      return withStream(open, message.value);
    case "ended":
      return withoutStream(open, message.value);
    default:
      return open;
  }
}

function withStream({ streams, total }: OpenStreams, change: LiveStream): OpenStreams {
  if (streams.has(change.id)) return { streams: new Map(streams).set(change.id, change), total };
  if (streams.size >= streamLimit) return { streams, total: total + 1 };
  return { streams: new Map(streams).set(change.id, change), total: total + 1 };
}

function withoutStream({ streams, total }: OpenStreams, id: string): OpenStreams {
  const next = new Map(streams);
  next.delete(id);
  return { streams: next, total: Math.max(total - 1, next.size) };
}
