import { type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { createRouterTransport, type Transport } from "@connectrpc/connect";
import { type OrderCreated, OrderCreatedSchema } from "../../examples/gen/shop/v1/order_pb.js";
import {
  type EventSchema,
  EventService,
  type PublishBatchRequest,
  type PublishRequest,
  type SubscribeRequest,
  type SubscribeResponseSchema,
} from "../gen/postrider/v1/event_pb.js";
import { Feed } from "./feed.js";

type Message = MessageInitShape<typeof SubscribeResponseSchema>;

/** A server in memory whose answers a test scripts. */
export class FakeServer {
  readonly published: (PublishRequest | PublishBatchRequest)[] = [];
  readonly subscribes: SubscribeRequest[] = [];
  /** What the next publishes throw, oldest first. */
  readonly failures: unknown[] = [];
  /** The connections of Subscribe, oldest first. */
  readonly feeds: Feed<Message>[] = [];
  #connected: () => void = () => {};

  readonly transport: Transport = createRouterTransport(({ service }) => {
    service(EventService, {
      publish: (request) => {
        this.published.push(request);
        this.#failIfTold();
        return { id: request.event?.id ?? "", cursor: "c1" };
      },
      publishBatch: (request) => {
        this.published.push(request);
        this.#failIfTold();
        return { results: request.events.map(({ id }) => ({ id, cursor: "c1" })) };
      },
      subscribe: (request, { signal }) => {
        this.subscribes.push(request);
        const feed = new Feed<Message>(signal);
        this.feeds.push(feed);
        this.#connected();
        return feed;
      },
    });
  });

  /** The n-th connection of Subscribe, once it is there. */
  async connection(n: number): Promise<Feed<Message>> {
    for (;;) {
      const feed = this.feeds[n];
      if (feed) return feed;
      await new Promise<void>((resolve) => {
        this.#connected = resolve;
      });
    }
  }

  #failIfTold(): void {
    const failure = this.failures.shift();
    if (failure) throw failure;
  }
}

export const begin = (cursor: string): Message => ({
  cursor,
  message: { case: "begin", value: {} },
});

/** A message that carries an order, typed as the server sends it. */
export function orderAt(cursor: string, order: OrderCreated): Message {
  const typeUrl = `type.googleapis.com/${OrderCreatedSchema.typeName}`;
  const value = toBinary(OrderCreatedSchema, order);
  return eventAt(cursor, OrderCreatedSchema.typeName, {
    case: "protoData",
    value: { typeUrl, value },
  });
}

type Payload = NonNullable<MessageInitShape<typeof EventSchema>["payload"]>;

/** A message that carries an event with any payload. */
export function eventAt(cursor: string, type: string, payload: Payload): Message {
  const value = { id: `evt_${cursor}`, type, cursor, payload };
  return { cursor, message: { case: "event", value } };
}
