import type { Gap } from "../gap.js";

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
