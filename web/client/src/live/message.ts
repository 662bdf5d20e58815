import type { Gap } from "../gap.js";
import { foreign } from "../request.js";

/**
 * The messages of a connection. One that does not begin as our streams do is something else's, whose places and events must
 * not be taken for the server's.
 */
export async function* fromBeginning<Event>(
  messages: AsyncIterable<StreamMessage<Event>>,
): AsyncGenerator<StreamMessage<Event>> {
  let isOurs = false;
  for await (const message of messages) {
    isOurs ||= message.kind === "begin" && message.cursor !== "";
    if (!isOurs) throw foreign();
    yield message;
  }
}

/** A message of a stream of events, whatever carries it. */
export type StreamMessage<Event> = { readonly cursor: string } & (
  | {
      readonly kind: "begin";
      readonly gap?: Gap | undefined;
      readonly live?: boolean | undefined;
      /** The stream's id. */
      readonly stream?: string | undefined;
      /** In milliseconds since the epoch. */
      readonly expires?: number | undefined;
    }
  | { readonly kind: "event"; readonly event: Event; readonly filters: readonly string[] }
  | { readonly kind: "heartbeat"; readonly live?: boolean | undefined }
  | { readonly kind: "gap"; readonly gap: Gap }
  | { readonly kind: "dropped"; readonly events: number }
);
