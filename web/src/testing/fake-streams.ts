import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type LiveStream,
  LiveStreamSchema,
  type WatchStreamsResponseSchema,
} from "#gen/postrider/v1/stream_pb";
import { Feed } from "./feed";

type Watched = MessageInitShape<typeof WatchStreamsResponseSchema>;

/** The live streams that others have open on the fake server. */
export class FakeStreams {
  readonly feeds = new Set<Feed<Watched>>();
  streams: LiveStream[] = [];

  /** Notes a stream as it is now and tells whoever watches. */
  put(init: MessageInitShape<typeof LiveStreamSchema> & { id: string }): void {
    const stream = create(LiveStreamSchema, init);
    this.streams = [...this.streams.filter(({ id }) => id !== stream.id), stream];
    for (const feed of this.feeds) feed.push({ message: { case: "change", value: stream } });
  }

  end(id: string): void {
    this.streams = this.streams.filter((stream) => stream.id !== id);
    for (const feed of this.feeds) feed.push({ message: { case: "ended", value: id } });
  }

  service() {
    const { feeds } = this;
    const open = () => this.streams;
    return {
      async *watchStreams(_: unknown, context: { signal: AbortSignal }) {
        const feed = new Feed<Watched>(context.signal);
        for (const value of open()) feed.push({ message: { case: "snapshot", value } });
        feed.push({ message: { case: "snapshotEnd", value: { total: open().length } } });
        feeds.add(feed);
        try {
          yield* feed;
        } finally {
          feeds.delete(feed);
        }
      },
      disconnectStream: ({ id }: { id: string }) => {
        this.end(id);
        return {};
      },
    };
  }
}
