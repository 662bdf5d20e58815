import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { PayloadFormat } from "#gen/postrider/v1/event_pb";
import type {
  CreateSubscriptionRequestSchema,
  Subscription,
  UpdateSubscriptionRequestSchema,
} from "#gen/postrider/v1/subscription_pb";
import type { FieldFault } from "@/rpc/fault";
import { milliseconds, parseDuration, writeDuration } from "@/ui/format/duration";
import { splitList } from "@/ui/format/list";
import {
  type Kind,
  readTargets,
  type TargetStates,
  targetFaults,
  targetPaths,
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

/** The paths of a request the form has fields for; a fault elsewhere is shown on top. */
export const formPaths: string[] = [
  "subscription.name",
  "subscription.description",
  "subscription.filter.types",
  "subscription.filter.expression",
  ...targetPaths,
  "subscription.start",
  "subscription.secret",
  "subscription.policy.retry_schedule",
  "subscription.policy.concurrency",
  "subscription.policy.timeout",
  "subscription.payload_format",
];

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

/** What cannot even be sent; everything else the server judges. */
export function formFaults(form: FormState): FieldFault[] {
  const faults: FieldFault[] = [];
  const check = (ok: boolean, path: string, message: string) => {
    if (!ok) faults.push({ path, message });
  };
  const isDuration = (text: string) => parseDuration(text) !== undefined;
  check(
    splitList(form.retrySchedule).every(isDuration),
    "subscription.policy.retry_schedule",
    "Write waits such as 5s, 5m, 2h, separated by commas.",
  );
  check(
    form.timeout.trim() === "" || isDuration(form.timeout),
    "subscription.policy.timeout",
    "Write a time such as 15s or 500ms.",
  );
  check(
    /^\s*\d*\s*$/.test(form.concurrency),
    "subscription.policy.concurrency",
    "Write a whole number.",
  );
  check(
    form.startAt !== "time" || !Number.isNaN(Date.parse(form.startTime)),
    "subscription.start",
    "Choose a day and a time.",
  );
  check(
    form.startAt !== "cursor" || form.startCursor.trim() !== "",
    "subscription.start",
    "Paste a cursor, for example from an event's detail.",
  );
  faults.push(...targetFaults(form.kind, form.targets));
  return faults;
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
