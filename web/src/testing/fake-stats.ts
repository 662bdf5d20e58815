import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type {
  StatsPointSchema,
  StatsServiceWatchRequest,
  StatsServiceWatchResponseSchema,
  StatsTablesSchema,
} from "#gen/postrider/v1/stats_pb";
import { milliseconds } from "@/ui/format/duration";
import { Feed } from "./feed";

type Watched = MessageInitShape<typeof StatsServiceWatchResponseSchema>;
type PointInit = MessageInitShape<typeof StatsPointSchema>;

/** The statistics of the fake server: its fields are what the next snapshot says. */
export class FakeStats {
  readonly feeds = new Set<Feed<Watched>>();
  /** What was asked of Watch, oldest first. */
  readonly watches: StatsServiceWatchRequest[] = [];
  points: PointInit[] = [];
  tables: MessageInitShape<typeof StatsTablesSchema> = { totals: {} };

  /** Tells whoever watches that the interval is like this now. */
  change(point: PointInit): void {
    for (const feed of this.feeds) {
      feed.push({ message: { case: "change", value: { points: [point] } } });
    }
  }

  service() {
    const { feeds, watches } = this;
    const snapshot = (span: number): Watched => ({
      message: {
        case: "snapshot",
        value: {
          resolution: durationFromMs(span <= 400_000 ? 1000 : 15_000),
          points: this.points,
          tables: this.tables,
        },
      },
    });
    return {
      async *watch(request: StatsServiceWatchRequest, context: { signal: AbortSignal }) {
        watches.push(request);
        const feed = new Feed<Watched>(context.signal);
        feed.push(snapshot(milliseconds(request.span)));
        feed.push({ message: { case: "snapshotEnd", value: {} } });
        feeds.add(feed);
        try {
          yield* feed;
        } finally {
          feeds.delete(feed);
        }
      },
    };
  }
}

/** A point that begins at `start`, in milliseconds. */
export function pointAt(start: number, init: PointInit = {}): PointInit {
  return { startTime: timestampFromMs(start), ...init };
}
