export type { Credentials, Ticket } from "../access.js";
export { type ErrorCode, PostriderError, type Reason } from "../error.js";
export type { FieldViolation } from "../error-detail.js";
export { newEventId } from "../event-id.js";
export { type Gap, GapError } from "../gap.js";
export type { MessageStream, Sharing, StreamOrigin } from "../live/message-stream.js";
export { betweenTabs } from "../live/shared-stream.js";
export type { LiveState, LiveStatus } from "../live/status.js";
export {
  type EventCallbacks,
  type NamedFilter,
  type SlowPolicy,
  type StreamOptions,
  Subscription,
} from "../live/subscription.js";
export { type Ack, Client, type ClientOptions, createClient } from "./client.js";
export type {
  EventFacts,
  EventMap,
  JsonObject,
  LightEvent,
  LightOptions,
  Matching,
  Pattern,
  PublishOptions,
} from "./events.js";
export type { Token } from "./http.js";
