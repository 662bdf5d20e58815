import {
  createRootRoute,
  createRoute,
  createRouter,
  type RouterHistory,
  redirect,
  retainSearchParams,
} from "@tanstack/react-router";
import { lazyPage } from "./lazy-page";
import { Crash, NotFound } from "./not-found";
import { readSearch, text, writeSearch } from "./search";
import { Shell } from "./shell";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  errorComponent: Crash,
  validateSearch: (search: Record<string, unknown>): { tenant?: string } => ({
    tenant: text(search.tenant),
  }),
  // The tenant goes along wherever a link leads.
  search: { middlewares: [retainSearchParams(["tenant"])] },
});

const index = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: ({ search }) => {
    throw redirect({ to: "/overview", search, replace: true });
  },
});

const overview = createRoute({
  getParentRoute: () => root,
  path: "overview",
  validateSearch: (search: Record<string, unknown>): { span?: string; start?: string } => ({
    span: text(search.span),
    start: text(search.start),
  }),
  component: lazyPage(() => import("./routes/overview"), "OverviewRoute"),
});

const streams = createRoute({
  getParentRoute: () => root,
  path: "overview/streams",
  component: lazyPage(() => import("./routes/streams"), "StreamsRoute"),
});

interface DeliveriesSearch {
  state?: string;
  subscription?: string;
  types?: string;
  delivery?: string;
}

const deliveries = createRoute({
  getParentRoute: () => root,
  path: "deliveries",
  validateSearch: (search: Record<string, unknown>): DeliveriesSearch => ({
    state: text(search.state),
    subscription: text(search.subscription),
    types: text(search.types),
    delivery: text(search.delivery),
  }),
  component: lazyPage(() => import("./routes/deliveries"), "DeliveriesRoute"),
});

interface EventsSearch {
  types?: string;
  subject?: string;
  expression?: string;
  from?: string;
  to?: string;
  delivery?: string;
}

const events = createRoute({
  getParentRoute: () => root,
  path: "events",
  validateSearch: (search: Record<string, unknown>): EventsSearch => ({
    types: text(search.types),
    subject: text(search.subject),
    expression: text(search.expression),
    from: text(search.from),
    to: text(search.to),
    delivery: text(search.delivery),
  }),
  component: lazyPage(() => import("./routes/events"), "EventsRoute"),
});

const event = createRoute({
  getParentRoute: () => events,
  path: "$eventId",
  component: lazyPage(() => import("./routes/events"), "EventRoute"),
});

const subscriptions = createRoute({
  getParentRoute: () => root,
  path: "subscriptions",
  validateSearch: (
    search: Record<string, unknown>,
  ): { q?: string; state?: string; tenants?: string } => ({
    q: text(search.q),
    state: text(search.state),
    tenants: text(search.tenants),
  }),
  component: lazyPage(() => import("./routes/subscriptions"), "SubscriptionsRoute"),
});

const newSubscription = createRoute({
  getParentRoute: () => root,
  path: "subscriptions/new",
  component: lazyPage(() => import("./routes/subscriptions"), "NewSubscriptionRoute"),
});

const subscription = createRoute({
  getParentRoute: () => root,
  path: "subscriptions/$subscriptionId",
  validateSearch: (search: Record<string, unknown>): { state?: string; delivery?: string } => ({
    state: text(search.state),
    delivery: text(search.delivery),
  }),
  component: lazyPage(() => import("./routes/subscriptions"), "SubscriptionRoute"),
});

const editSubscription = createRoute({
  getParentRoute: () => root,
  path: "subscriptions/$subscriptionId/edit",
  component: lazyPage(() => import("./routes/subscriptions"), "EditSubscriptionRoute"),
});

const eventTypes = createRoute({
  getParentRoute: () => root,
  path: "event-types",
  validateSearch: (search: Record<string, unknown>): { q?: string; parts?: string } => ({
    q: text(search.q),
    parts: text(search.parts),
  }),
  component: lazyPage(() => import("./routes/event-types"), "EventTypesRoute"),
});

const eventType = createRoute({
  getParentRoute: () => root,
  path: "event-types/$name",
  validateSearch: (
    search: Record<string, unknown>,
  ): { version?: string; from?: string; to?: string } => ({
    version: text(search.version),
    from: text(search.from),
    to: text(search.to),
  }),
  component: lazyPage(() => import("./routes/event-types"), "EventTypeRoute"),
});

const playground = createRoute({
  getParentRoute: () => root,
  path: "playground",
  validateSearch: (search: Record<string, unknown>): { type?: string } => ({
    type: text(search.type),
  }),
  component: lazyPage(() => import("./routes/playground"), "PlaygroundRoute"),
});

const keys = createRoute({
  getParentRoute: () => root,
  path: "keys",
  component: lazyPage(() => import("./routes/admin"), "KeysRoute"),
});

const tenants = createRoute({
  getParentRoute: () => root,
  path: "tenants",
  component: lazyPage(() => import("./routes/admin"), "TenantsRoute"),
});

const routeTree = root.addChildren([
  index,
  overview,
  streams,
  deliveries,
  events.addChildren([event]),
  subscriptions,
  newSubscription,
  subscription,
  editSubscription,
  eventTypes,
  eventType,
  playground,
  keys,
  tenants,
]);

export function createAppRouter(history?: RouterHistory) {
  return createRouter({
    routeTree,
    history,
    parseSearch: readSearch,
    stringifySearch: writeSearch,
    defaultPreload: "intent",
    // A page that fails leaves the shell around it.
    defaultErrorComponent: Crash,
    scrollRestoration: false,
  });
}

export type AppRouter = ReturnType<typeof createAppRouter>;

declare module "@tanstack/react-router" {
  interface Register {
    router: AppRouter;
  }
}
