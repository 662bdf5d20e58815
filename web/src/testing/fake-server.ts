import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createRouterTransport, type Transport } from "@connectrpc/connect";
import type { ApiKey } from "#gen/postrider/v1/api_key_pb";
import { ApiKeySchema, ApiKeyScope, ApiKeyService } from "#gen/postrider/v1/api_key_pb";
import {
  type Attempt,
  type Delivery,
  DeliverySchema,
  DeliveryService,
  DeliveryState,
  type WatchDeliveriesResponseSchema,
} from "#gen/postrider/v1/delivery_pb";
import {
  type Event,
  EventSchema,
  EventService,
  type SubscribeRequest,
  type SubscribeResponseSchema,
} from "#gen/postrider/v1/event_pb";
import { EventTypeService } from "#gen/postrider/v1/event_type_pb";
import { type Session, SessionSchema, SessionService } from "#gen/postrider/v1/session_pb";
import { StatsService } from "#gen/postrider/v1/stats_pb";
import { StreamService } from "#gen/postrider/v1/stream_pb";
import {
  BreakerState,
  type Subscription,
  SubscriptionHealthSchema,
  SubscriptionSchema,
  SubscriptionService,
  SubscriptionState,
  type TestFilterRequest,
  type TestFilterResponseSchema,
  type TestSubscriptionRequest,
} from "#gen/postrider/v1/subscription_pb";
import { type Tenant, TenantSchema, TenantService } from "#gen/postrider/v1/tenant_pb";
import { FakeEventTypes } from "./fake-event-types";
import { FakeStats } from "./fake-stats";
import { FakeStreams } from "./fake-streams";
import { Feed } from "./feed";

type Pushed = MessageInitShape<typeof SubscribeResponseSchema>;
type Watched = MessageInitShape<typeof WatchDeliveriesResponseSchema>;

const epoch = Date.UTC(2026, 0, 31, 9, 0, 0);

/**
 * A server in memory, as far as the pages can tell: for tests only. Its fields are its state, free to be set and looked at;
 * `failWith` makes the next calls of a method fail.
 */
export class FakeServer {
  readonly key = "the-right-key";
  /** The name of that key. */
  keyName = "admin";
  session: Session | undefined = create(SessionSchema, {
    keyName: "admin",
    scopes: [ApiKeyScope.ADMIN],
    serverVersion: "0.1.0",
  });
  events: Event[] = [];
  subscriptions: Subscription[] = [];
  deliveries: Delivery[] = [];
  attempts = new Map<string, Attempt[]>();
  apiKeys: ApiKey[] = [];
  readonly eventTypes = new FakeEventTypes((method, request) =>
    this.calls.push({ method, request }),
  );
  readonly stats = new FakeStats();
  readonly streams = new FakeStreams();
  /** What TestFilter answers. */
  testFilter: (request: TestFilterRequest) => MessageInitShape<typeof TestFilterResponseSchema> =
    () => ({});
  tenants: Tenant[] = [create(TenantSchema, { name: "default", displayName: "Default" })];
  /** What was asked of Subscribe, oldest first. */
  readonly subscribes: SubscribeRequest[] = [];
  /** What was asked of ListEvents, oldest first. */
  readonly lists: ListRequest[] = [];
  /** What was asked of any other method that changes something. */
  readonly calls: { method: string; request: unknown }[] = [];
  readonly #tails = new Set<Feed<Pushed>>();
  readonly #watches = new Set<Feed<Watched>>();
  readonly #failures = new Map<string, ConnectError>();

  /** Open streams of all kinds. */
  get openStreams(): number {
    return this.#feeds().length;
  }

  #feeds(): { fail(error: unknown): void }[] {
    return [...this.#tails, ...this.#watches, ...this.stats.feeds, ...this.streams.feeds];
  }

  readonly transport: Transport = createRouterTransport(
    ({ service }) => {
      service(SessionService, this.#sessionService());
      service(EventService, this.#eventService());
      service(SubscriptionService, this.#subscriptionService());
      service(EventTypeService, this.eventTypes.service());
      service(DeliveryService, this.#deliveryService());
      service(ApiKeyService, this.#apiKeyService());
      service(TenantService, this.#tenantService());
      service(StatsService, this.stats.service());
      service(StreamService, this.streams.service());
    },
    {
      transport: {
        interceptors: [
          (next) => async (request) => {
            const failure = this.#failures.get(request.method.name);
            if (failure) throw failure;
            return next(request);
          },
        ],
      },
    },
  );

  /** Makes every call of the method fail until it is called again without an error. */
  failWith(method: string, error?: ConnectError): void {
    if (error) this.#failures.set(method, error);
    else this.#failures.delete(method);
  }

  /** Stores an event and sends it to whoever subscribes. */
  publish(type: string, data: string, init: MessageInitShape<typeof EventSchema> = {}): Event {
    const position = this.events.length + 1;
    const time = timestampFromMs(epoch + position * 1000);
    const event = create(EventSchema, {
      id: `evt_${position}`,
      type,
      source: "postrider",
      time,
      acceptTime: time,
      cursor: cursorAt(position),
      tenant: "default",
      payload: { case: "jsonData", value: data },
      ...init,
    });
    this.events.push(event);
    this.push({ cursor: event.cursor, message: { case: "event", value: event } });
    return event;
  }

  /** Sends a message on every open Subscribe. */
  push(message: Pushed): void {
    for (const tail of this.#tails) tail.push(message);
  }

  /** Ends every open stream as a server that stops does. */
  breakStreams(): void {
    const error = new ConnectError("the server is stopping", Code.Unavailable);
    for (const feed of this.#feeds()) feed.fail(error);
  }

  addSubscription(init: MessageInitShape<typeof SubscriptionSchema>): Subscription {
    const subscription = create(SubscriptionSchema, init);
    subscription.id = `sub_${this.subscriptions.length + 1}`;
    subscription.state ||= SubscriptionState.ACTIVE;
    subscription.health ??= create(SubscriptionHealthSchema, { breaker: BreakerState.CLOSED });
    subscription.createTime ??= timestampFromMs(epoch);
    subscription.revision ||= 1n;
    this.subscriptions.push(subscription);
    return subscription;
  }

  /** Stores a delivery as it is now and tells whoever watches. */
  putDelivery(init: MessageInitShape<typeof DeliverySchema> & { id: string }): Delivery {
    const delivery = create(DeliverySchema, init);
    this.deliveries = [delivery, ...this.deliveries.filter(({ id }) => id !== delivery.id)];
    for (const watch of this.#watches) watch.push({ message: { case: "change", value: delivery } });
    return delivery;
  }

  #sessionService() {
    return {
      getSession: () => {
        if (!this.session) throw new ConnectError("no session", Code.Unauthenticated);
        return { session: this.session };
      },
      createSession: ({ key }: { key: string }) => {
        if (key !== this.key) throw new ConnectError("wrong key", Code.Unauthenticated);
        this.session = create(SessionSchema, {
          keyName: this.keyName,
          scopes: [ApiKeyScope.ADMIN],
        });
        return { session: this.session };
      },
      deleteSession: () => {
        this.session = undefined;
        return {};
      },
    };
  }

  #eventService() {
    const { events, subscribes } = this;
    const tails = this.#tails;
    const list = (request: ListRequest) => {
      this.lists.push(request);
      return this.#listEvents(request);
    };
    return {
      listEvents: list,
      publish: ({ event }: { event?: Event }) => {
        this.calls.push({ method: "publish", request: event });
        const text = event?.payload.case === "jsonData" ? event.payload.value : "";
        const { id, cursor } = this.publish(event?.type ?? "", text);
        return { id, cursor };
      },
      getEvent: ({ id }: { id: string }) => ({
        event: found(this.events.find((e) => e.id === id)),
      }),
      async *subscribe(request: SubscribeRequest, context: { signal: AbortSignal }) {
        subscribes.push(request);
        const feed = new Feed<Pushed>(context.signal);
        const start =
          request.start === "now" ? (events.at(-1)?.cursor ?? cursorAt(0)) : request.start;
        feed.push({ cursor: start, message: { case: "begin", value: { live: true } } });
        for (const event of events.filter(({ cursor }) => cursor > start)) {
          feed.push({ cursor: event.cursor, message: { case: "event", value: event } });
        }
        tails.add(feed);
        try {
          yield* feed;
        } finally {
          tails.delete(feed);
        }
      },
    };
  }

  #listEvents({ types, subject, pageSize, pageToken }: ListRequest) {
    const all = this.events
      .filter(
        (event) => matches(types, event.type) && (subject === "" || event.subject === subject),
      )
      .reverse();
    const from = Number(pageToken || 0);
    const events = all.slice(from, from + pageSize);
    const nextPageToken = from + pageSize < all.length ? String(from + pageSize) : "";
    return { events, nextPageToken, cursor: cursorAt(this.events.length) };
  }

  #subscriptionService() {
    const one = ({ id }: { id: string }) => found(this.subscriptions.find((s) => s.id === id));
    const setState = (id: string, state: SubscriptionState) => {
      const subscription = one({ id });
      subscription.state = state;
      return { subscription };
    };
    return {
      listSubscriptions: ({ tenant, allTenants }: { tenant: string; allTenants: boolean }) => ({
        subscriptions: this.subscriptions.filter(
          (s) => allTenants || s.tenant === "" || s.tenant === (tenant || "default"),
        ),
      }),
      getSubscription: (request: { id: string }) => ({ subscription: one(request) }),
      createSubscription: (request: { subscription?: Subscription }) => {
        this.calls.push({ method: "createSubscription", request });
        return { subscription: this.addSubscription(request.subscription ?? {}) };
      },
      updateSubscription: (request: { subscription?: Subscription }) => {
        this.calls.push({ method: "updateSubscription", request });
        // The revision grows, so that a form that is open begins anew.
        for (const stored of this.subscriptions) {
          if (stored.id === request.subscription?.id) stored.revision++;
        }
        return { subscription: request.subscription };
      },
      deleteSubscription: ({ id }: { id: string }) => {
        this.subscriptions = this.subscriptions.filter((s) => s.id !== id);
        return {};
      },
      pauseSubscription: ({ id }: { id: string }) => setState(id, SubscriptionState.PAUSED),
      resumeSubscription: ({ id }: { id: string }) => setState(id, SubscriptionState.ACTIVE),
      testSubscription: (request: TestSubscriptionRequest) => {
        this.calls.push({ method: "testSubscription", request });
        return {
          eventId: "test_1",
          attempt: { number: 1, cause: 5, outcome: 1, response: { statusCode: 204 } },
        };
      },
      testFilter: (request: TestFilterRequest) => this.testFilter(request),
      revealSubscriptionSecret: () => ({ secret: "whsec_c2VjcmV0" }),
    };
  }

  #deliveryService() {
    const watches = this.#watches;
    const snapshot = (eventId: string) => this.#deliveriesOf(eventId);
    return {
      listDeliveries: (request: { eventId: string; states: number[] }) => ({
        deliveries: this.#deliveriesOf(request.eventId).filter(
          ({ state }) => request.states.length === 0 || request.states.includes(state),
        ),
      }),
      countDeliveries: ({ eventIds }: { eventIds: string[] }) => ({
        events: eventIds.map((eventId) => this.#countsOf(eventId)),
      }),
      getDelivery: ({ id }: { id: string }) => ({
        delivery: found(this.deliveries.find((d) => d.id === id)),
        attempts: this.attempts.get(id) ?? [],
      }),
      retryDelivery: ({ id }: { id: string }) => {
        this.calls.push({ method: "retryDelivery", request: id });
        return { delivery: found(this.deliveries.find((d) => d.id === id)) };
      },
      async *watchDeliveries(request: { eventId: string }, context: { signal: AbortSignal }) {
        const feed = new Feed<Watched>(context.signal);
        for (const value of snapshot(request.eventId)) {
          feed.push({ message: { case: "snapshot", value } });
        }
        feed.push({ message: { case: "snapshotEnd", value: {} } });
        watches.add(feed);
        try {
          yield* feed;
        } finally {
          watches.delete(feed);
        }
      },
    };
  }

  #countsOf(eventId: string) {
    const of = this.#deliveriesOf(eventId);
    const count = (state: DeliveryState) => of.filter((one) => one.state === state).length;
    return {
      eventId,
      pending: count(DeliveryState.PENDING),
      retrying: count(DeliveryState.RETRYING),
      delivered: count(DeliveryState.DELIVERED),
      dead: count(DeliveryState.DEAD),
    };
  }

  #deliveriesOf(eventId: string): Delivery[] {
    return this.deliveries.filter((d) => eventId === "" || d.eventId === eventId);
  }

  #apiKeyService() {
    return {
      listApiKeys: () => ({ apiKeys: [...this.apiKeys] }),
      createApiKey: (request: { apiKey?: ApiKey }) => {
        this.calls.push({ method: "createApiKey", request });
        const apiKey = request.apiKey ?? create(ApiKeySchema);
        apiKey.id = `key_${this.apiKeys.length + 1}`;
        apiKey.hint = "pr_abc";
        this.apiKeys.push(apiKey);
        return { apiKey, secret: "pr_abcdefgh" };
      },
      revokeApiKey: ({ id }: { id: string }) => {
        const apiKey = found(this.apiKeys.find((key) => key.id === id));
        apiKey.revokeTime = timestampFromMs(epoch);
        return { apiKey };
      },
    };
  }

  #tenantService() {
    return {
      listTenants: () => ({ tenants: [...this.tenants] }),
      createTenant: (request: { tenant?: Tenant }) => {
        const tenant = request.tenant ?? create(TenantSchema);
        this.tenants.push(tenant);
        return { tenant };
      },
      updateTenant: (request: { tenant?: Tenant }) => {
        const tenant = found(this.tenants.find(({ name }) => name === request.tenant?.name));
        tenant.typedOnly = request.tenant?.typedOnly ?? false;
        return { tenant };
      },
    };
  }
}

interface ListRequest {
  types: string[];
  subject: string;
  expression: string;
  pageSize: number;
  pageToken: string;
}

/** Sorts as text, as the server's do. */
export function cursorAt(position: number): string {
  return `c${String(position).padStart(8, "0")}`;
}

function matches(patterns: string[], type: string): boolean {
  if (patterns.length === 0) return true;
  return patterns.some((pattern) =>
    pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : pattern === type,
  );
}

export function found<T>(value: T | undefined): T {
  if (value === undefined) throw new ConnectError("there is no such thing", Code.NotFound);
  return value;
}
