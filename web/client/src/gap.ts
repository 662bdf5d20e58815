import { PostriderError } from "./error.js";
import type { GapReason } from "./gen/postrider/v1/event_pb.js";

/** Reports that events are missing before a cursor. */
export interface Gap {
  /** LOG_REPLACED: the cursor is of a log before a restore. RETENTION: the events were removed. */
  readonly reason: keyof typeof GapReason;
  /** For a person. */
  readonly message: string;
  /** The cursor at which the stream continues. */
  readonly cursor: string;
}

/**
 * Thrown by a subscription without `onGap` if events are missing. To continue after the gap, start from `gap.cursor`.
 */
export class GapError extends PostriderError {
  override name = "GapError";
  readonly gap: Gap;

  constructor(gap: Gap) {
    super("data_loss", `events are missing: ${gap.message}`, { reason: gap.reason });
    this.gap = gap;
  }
}
