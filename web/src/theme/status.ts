import { AttemptCause, AttemptOutcome, DeliveryState } from "#gen/postrider/v1/delivery_pb";
import { EnforcementLevel, SchemaChangeKind } from "#gen/postrider/v1/event_type_pb";
import { BreakerState } from "#gen/postrider/v1/subscription_pb";
import type { LiveState } from "@/live/state";

/** The one meaning of a colour; the stylesheet has a pair of tokens for each. */
export type Tone = "good" | "wait" | "warn" | "bad" | "idle";

export interface Status {
  tone: Tone;
  label: string;
  /** What it means, for a tooltip. */
  hint: string;
}

const unknown: Status = { tone: "idle", label: "Unknown", hint: "A newer server may know more." };

/* Records over the generated enums: a state added to the contract does not compile until it has a colour and a word here. */

export const deliveryStatus: Record<DeliveryState, Status> = {
  [DeliveryState.UNSPECIFIED]: unknown,
  [DeliveryState.PENDING]: {
    tone: "wait",
    label: "Pending",
    hint: "The current attempt has no outcome yet.",
  },
  [DeliveryState.RETRYING]: {
    tone: "warn",
    label: "Retrying",
    hint: "Failed and waiting for its next attempt.",
  },
  [DeliveryState.DELIVERED]: {
    tone: "good",
    label: "Delivered",
    hint: "The endpoint accepted the event.",
  },
  [DeliveryState.DEAD]: {
    tone: "bad",
    label: "Dead",
    hint: "All attempts failed. You can retry it.",
  },
};

export const outcomeStatus: Record<AttemptOutcome, Status> = {
  [AttemptOutcome.UNSPECIFIED]: { ...unknown, label: "Under way", tone: "wait" },
  [AttemptOutcome.DELIVERED]: { tone: "good", label: "Delivered", hint: "The response was 2xx." },
  [AttemptOutcome.EVENT_FAILURE]: {
    tone: "warn",
    label: "Refused",
    hint: "The endpoint refused this event (3xx or 4xx). It is retried on schedule.",
  },
  [AttemptOutcome.ENDPOINT_FAILURE]: {
    tone: "bad",
    label: "Endpoint failed",
    hint: "Refused connection, timeout, TLS or 5xx: counts for the circuit breaker.",
  },
  [AttemptOutcome.SLOW_DOWN]: {
    tone: "warn",
    label: "Slow down",
    hint: "The endpoint asked to slow down (429, or 503 with Retry-After).",
  },
  [AttemptOutcome.GONE]: {
    tone: "bad",
    label: "Gone",
    hint: "The endpoint is gone for good (410): the subscription is disabled.",
  },
};

export const causeLabel: Record<AttemptCause, string> = {
  [AttemptCause.UNSPECIFIED]: "unknown cause",
  [AttemptCause.FIRST]: "first attempt",
  [AttemptCause.RETRY]: "by the retry schedule",
  [AttemptCause.PROBE]: "probe",
  [AttemptCause.MANUAL]: "retried by hand",
  [AttemptCause.TEST]: "test",
};

export const breakerStatus: Record<BreakerState, Status> = {
  [BreakerState.UNSPECIFIED]: unknown,
  [BreakerState.CLOSED]: { tone: "idle", label: "Closed", hint: "Attempts are made." },
  [BreakerState.OPEN]: {
    tone: "bad",
    label: "Open",
    hint: "The endpoint fails. The subscription keeps its position and sends one probe at a time.",
  },
  [BreakerState.HOLDING]: {
    tone: "warn",
    label: "Holding",
    hint: "The endpoint asked to slow down.",
  },
};

export const levelStatus: Record<EnforcementLevel, Status> = {
  [EnforcementLevel.UNSPECIFIED]: unknown,
  [EnforcementLevel.OFF]: {
    tone: "idle",
    label: "Off",
    hint: "Events that violate the schema are accepted without a mark.",
  },
  [EnforcementLevel.WARN]: {
    tone: "warn",
    label: "Warn",
    hint: "Events that violate the schema are accepted, marked with their violations, and counted.",
  },
  [EnforcementLevel.ENFORCE]: {
    tone: "good",
    label: "Enforce",
    hint: "Events that violate the schema are refused.",
  },
};

export const changeStatus: Record<SchemaChangeKind, Status> = {
  [SchemaChangeKind.UNSPECIFIED]: unknown,
  [SchemaChangeKind.ADDED]: { tone: "good", label: "Added", hint: "Only in the newer version." },
  [SchemaChangeKind.REMOVED]: {
    tone: "bad",
    label: "Removed",
    hint: "Only in the older version.",
  },
  [SchemaChangeKind.CHANGED]: {
    tone: "wait",
    label: "Changed",
    hint: "In both versions, but different.",
  },
};

export const liveStatus: Record<LiveState["kind"], Status> = {
  idle: { tone: "good", label: "Connected", hint: "The server responds." },
  held: { tone: "idle", label: "Waiting", hint: "Another stream of this tab is active." },
  connecting: { tone: "wait", label: "Connecting", hint: "Opening the live stream." },
  "catching-up": { tone: "wait", label: "Catching up", hint: "Stored events are read first." },
  live: { tone: "good", label: "Live", hint: "New data is shown as it arrives." },
  reconnecting: { tone: "warn", label: "Reconnecting", hint: "The live stream was interrupted." },
  offline: { tone: "bad", label: "Offline", hint: "The server cannot be reached." },
  failed: { tone: "bad", label: "Stopped", hint: "The server refused the live stream." },
};
