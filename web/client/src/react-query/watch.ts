import { LiveStream } from "../live/live-stream.js";
import { errorOf } from "../rpc-error.js";

/** The server's watches are never silent for longer than this. */
const heartbeatMs = 15_000;

/** One of the server's watches: each connection brings a snapshot, a marker, then changes. */
export interface Watch<Message> {
  open(signal: AbortSignal): AsyncIterable<Message>;
  isMarker(message: Message): boolean;
}

/** Keeps a watch alive. It is live while its snapshot is complete. */
export function keepWatch<Message>({ open, isMarker }: Watch<Message>): LiveStream<Message> {
  let isComplete = false;
  return new LiveStream<Message>(
    {
      open: (signal) => {
        isComplete = false;
        return open(signal);
      },
      note: (message) => {
        isComplete ||= isMarker(message);
        return { live: isComplete };
      },
      errorOf,
    },
    { heartbeatMs },
  );
}
