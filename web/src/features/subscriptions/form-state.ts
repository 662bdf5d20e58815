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
import { urlOf } from "./subscription";

/** The texts of the form's fields, as typed. */
export interface FormState {
  name: string;
  description: string;
  types: string;
  expression: string;
  url: string;
  /** The address that stored header values were given for. */
  storedUrl: string;
  headers: HeaderField[];
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

export interface HeaderField {
  /** Identifies rows while they are edited. */
  key: number;
  name: string;
  value: string;
}

export const emptyForm: FormState = {
  name: "",
  description: "",
  types: "",
  expression: "",
  url: "",
  storedUrl: "",
  headers: [],
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
export const formPaths = [
  "subscription.name",
  "subscription.description",
  "subscription.filter.types",
  "subscription.filter.expression",
  "subscription.target.webhook.url",
  "subscription.target.webhook.headers",
  "subscription.start",
  "subscription.secret",
  "subscription.policy.retry_schedule",
  "subscription.policy.concurrency",
  "subscription.policy.timeout",
  "subscription.payload_format",
] as const;

/** The form as a stored subscription fills it. */
export function formOf(subscription: Subscription): FormState {
  const { policy, target } = subscription;
  const headers = target?.config.case === "webhook" ? target.config.value.headers : {};
  return {
    ...emptyForm,
    name: subscription.name,
    description: subscription.description,
    types: subscription.filter?.types.join(", ") ?? "",
    expression: subscription.filter?.expression ?? "",
    url: urlOf(subscription),
    storedUrl: urlOf(subscription),
    headers: Object.entries(headers).map(([name, value], key) => ({ key, name, value })),
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
  const check = (ok: boolean, path: (typeof formPaths)[number], message: string) => {
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
  const names = form.headers.map(({ name }) => name.trim().toLowerCase());
  check(
    new Set(names).size === names.length,
    "subscription.target.webhook.headers",
    "Every header needs a unique name.",
  );
  const kept = form.headers.find(({ value }) => value === hiddenValue);
  check(
    kept === undefined || originOf(form.url) === originOf(form.storedUrl),
    "subscription.target.webhook.headers",
    `The value of ${kept?.name} was given for another address. Give it again, or remove the header.`,
  );
  return faults;
}

/** Represents a stored value, and keeps it while the address stays the same. */
const hiddenValue = "•••";

/** The server judges an address that cannot be read. */
function originOf(url: string): string {
  return URL.canParse(url.trim()) ? new URL(url.trim()).origin : "";
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
  const headers = form.headers.filter(({ name }) => name.trim() !== "");
  const timeout = parseDuration(form.timeout);
  return {
    name: form.name.trim(),
    description: form.description.trim(),
    filter: { types: splitList(form.types), expression: form.expression.trim() },
    target: {
      config: {
        case: "webhook",
        value: {
          url: form.url.trim(),
          headers: Object.fromEntries(headers.map(({ name, value }) => [name.trim(), value])),
        },
      },
    },
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

/** Items separated by commas or line ends. */
export function splitList(text: string): string[] {
  return text
    .split(/[,\n]+/)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
