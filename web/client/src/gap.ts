import { PostriderError } from "./error.js";
import type { GapReason } from "./gen/postrider/v1/event_pb.js";

/** Tells that events are missing before a place. */
export interface Gap {
  /** LOG_REPLACED: the cursor is of a log before a restore. RETENTION: the events were removed. */
  readonly reason: keyof typeof GapReason;
  /** For a person. */
  readonly message: string;
  /** Where the stream goes on. */
  readonly cursor: string;
}

/** Thrown by a subscription without `onGap` when events are missing. Start from `gap.cursor` to go on after the gap. */
export class GapError extends PostriderError {
  override name = "GapError";
  readonly gap: Gap;

  constructor(gap: Gap) {
    super("data_loss", `events are missing: ${gap.message}`, { reason: gap.reason });
    this.gap = gap;
  }
}
