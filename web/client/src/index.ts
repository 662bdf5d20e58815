export type { Credentials } from "./access.js";
export {
  type Ack,
  type CallOptions,
  Client,
  type ClientOptions,
  createClient,
} from "./client.js";
export { type Draft, draft, type EventOptions, type UntypedEventOptions } from "./draft.js";
export { type ErrorCode, PostriderError, type Reason } from "./error.js";
export type { FieldViolation } from "./error-detail.js";
export { newEventId } from "./event-id.js";
export type { DataOf, EventSource, SchemaOf } from "./event-type.js";
export { type Gap, GapError } from "./gap.js";
export { type LiveOptions, type LiveSource, LiveStream, type Sign } from "./live/live-stream.js";
export type { MessageStream, Sharing, StreamOrigin } from "./live/message-stream.js";
export { betweenTabs } from "./live/shared-stream.js";
export type { LiveState, LiveStatus } from "./live/status.js";
export {
  type EventCallbacks,
  type NamedFilter,
  type SlowPolicy,
  type StreamOptions,
  Subscription,
} from "./live/subscription.js";
export { type EventAttributes, type InvalidEvent, InvalidEventError } from "./payload.js";
export { errorOf } from "./rpc-error.js";
export type { RawOptions, SubscribeOptions, TypedEvent } from "./subscribe.js";
export type { WebhookEvent } from "./webhook/document.js";
export {
  type EventHandler,
  type NodeRequest,
  type NodeResponse,
  WebhookHandler,
  type WebhookHandlerOptions,
  type WebhookReply,
  webhookHandler,
} from "./webhook/handler.js";
export {
  signWebhook,
  type WebhookHeaders,
  type WebhookRefusal,
  WebhookVerificationError,
  WebhookVerifier,
} from "./webhook/signature.js";
