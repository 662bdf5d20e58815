import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { PayloadFormat } from "#gen/postrider/v1/event_pb";
import type {
  CreateSubscriptionRequestSchema,
  Subscription,
  UpdateSubscriptionRequestSchema,
} from "#gen/postrider/v1/subscription_pb";
import { milliseconds, parseDuration, writeDuration } from "@/ui/format/duration";
import { splitList } from "@/ui/format/list";
import {
  type Kind,
  readTargets,
  type TargetStates,
  targetPaths,
  targetTexts,
  writeTarget,
} from "./targets/registry";

/** The texts of the form's fields, as typed. */
export interface FormState {
  name: string;
  description: string;
  types: string;
  expression: string;
  kind: Kind;
  targets: TargetStates;
  startAt: "now" | "earliest" | "time" | "cursor";
  startTime: string;
  startCursor: string;
  secret: string;
  retrySchedule: string;
  concurrency: string;
  timeout: string;
  /** Payloads have the defaults of fields that are not set. */
  defaults: boolean;
}

export const emptyForm: FormState = {
  name: "",
  description: "",
  types: "",
  expression: "",
  ...readTargets(undefined),
  startAt: "now",
  startTime: "",
  startCursor: "",
  secret: "",
  retrySchedule: "",
  concurrency: "",
  timeout: "",
  defaults: false,
};

/** What is typed, by the path of its field in a request; of targets the chosen one alone. */
export function formTexts(form: FormState): Record<string, string> {
  return {
    "subscription.name": form.name,
    "subscription.description": form.description,
    "subscription.filter.types": form.types,
    "subscription.filter.expression": form.expression,
    ...targetTexts(form.kind, form.targets),
    "subscription.start": [form.startAt, form.startTime, form.startCursor].join(" "),
    "subscription.secret": form.secret,
    "subscription.policy.retry_schedule": form.retrySchedule,
    "subscription.policy.concurrency": form.concurrency,
    "subscription.policy.timeout": form.timeout,
    "subscription.payload_format": String(form.defaults),
  };
}

/** The paths of a request the form has fields for; a fault elsewhere is shown on top. */
export const formPaths: string[] = [...Object.keys(formTexts(emptyForm)), ...targetPaths];

/** The form as a stored subscription fills it. */
export function formOf(subscription: Subscription): FormState {
  const { policy } = subscription;
  return {
    ...emptyForm,
    name: subscription.name,
    description: subscription.description,
    types: subscription.filter?.types.join(", ") ?? "",
    expression: subscription.filter?.expression ?? "",
    ...readTargets(subscription.target),
    retrySchedule:
      policy?.retrySchedule.map((wait) => writeDuration(milliseconds(wait))).join(", ") ?? "",
    concurrency: policy?.concurrency ? String(policy.concurrency) : "",
    timeout: policy?.timeout ? writeDuration(milliseconds(policy.timeout)) : "",
    defaults: subscription.payloadFormat === PayloadFormat.JSON_DEFAULTS,
  };
}

type Create = MessageInitShape<typeof CreateSubscriptionRequestSchema>;
type Update = MessageInitShape<typeof UpdateSubscriptionRequestSchema>;

export function createRequest(form: FormState, tenant: string): Create {
  return { tenant, subscription: { ...fieldsOf(form), start: startOf(form) } };
}

/** An edit of everything the form shows; it is refused when somebody else has changed the subscription since. */
export function updateRequest(form: FormState, tenant: string, edited: Subscription): Update {
  const paths = ["name", "description", "filter", "target", "policy", "payload_format"];
  if (form.secret.trim() !== "") paths.push("secret");
  return {
    tenant,
    subscription: { ...fieldsOf(form), id: edited.id, revision: edited.revision },
    updateMask: { paths },
  };
}

function fieldsOf(form: FormState): NonNullable<Create["subscription"]> {
  const timeout = parseDuration(form.timeout);
  return {
    name: form.name.trim(),
    description: form.description.trim(),
    filter: { types: splitList(form.types), expression: form.expression.trim() },
    target: writeTarget(form.kind, form.targets),
    policy: {
      retrySchedule: splitList(form.retrySchedule).map((wait) =>
        durationFromMs(parseDuration(wait) ?? 0),
      ),
      concurrency: Number(form.concurrency.trim() || 0),
      timeout: timeout === undefined ? undefined : durationFromMs(timeout),
    },
    payloadFormat: form.defaults ? PayloadFormat.JSON_DEFAULTS : PayloadFormat.JSON,
    secret: form.secret.trim(),
  };
}

function startOf(form: FormState): string {
  switch (form.startAt) {
    case "time":
      return new Date(form.startTime).toISOString();
    case "cursor":
      return form.startCursor.trim();
    default:
      return form.startAt;
  }
}
