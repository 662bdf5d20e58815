import type { Target } from "#gen/postrider/v1/subscription_pb";
import { hiddenValue, type TargetKind, withoutLogin, withoutSecret } from "../target";
import { WebhookFields } from "./fields";

/** What stands in the fields of a webhook, as typed. */
export interface WebhookState {
  url: string;
  /** The address that stored header values were given for. */
  storedUrl: string;
  headers: HeaderField[];
}

export interface HeaderField {
  /** Tells rows apart while they are edited. */
  key: number;
  name: string;
  value: string;
}

const urlPath = "subscription.target.webhook.url";
export const headersPath = "subscription.target.webhook.headers";

export const webhook: TargetKind<WebhookState> = {
  label: "Webhook",
  paths: [urlPath, headersPath],
  empty: { url: "", storedUrl: "", headers: [] },
  read: (target) => {
    const config = configOf(target);
    if (!config) return undefined;
    const headers = Object.entries(config.headers).map(([name, value], key) => ({
      key,
      name,
      value,
    }));
    return { url: config.url, storedUrl: config.url, headers };
  },
  write: ({ url, headers }) => {
    const named = headers.filter(({ name }) => name.trim() !== "");
    const value = {
      url: url.trim(),
      headers: Object.fromEntries(named.map(({ name, value }) => [name.trim(), value])),
    };
    return { config: { case: "webhook", value } };
  },
  withoutSecrets: ({ url, storedUrl, headers }) => ({
    url: withoutLogin(url),
    storedUrl: withoutLogin(storedUrl),
    headers: headers.map((header) => ({ ...header, value: withoutSecret(header.value) })),
  }),
  faults,
  Fields: WebhookFields,
  place: (target) => configOf(target)?.url ?? "",
  facts: (target) => {
    const names = Object.keys(configOf(target)?.headers ?? {}).sort();
    return [
      ["posted to", <code key="url">{configOf(target)?.url}</code>],
      ["headers", names.length > 0 && <code key="headers">{names.join(", ")}</code>],
    ];
  },
};

function configOf(target: Target | undefined) {
  return target?.config.case === "webhook" ? target.config.value : undefined;
}

function faults({ url, storedUrl, headers }: WebhookState) {
  const names = headers.map(({ name }) => name.trim().toLowerCase());
  const kept = headers.find(({ value }) => value === hiddenValue);
  if (new Set(names).size !== names.length)
    return [{ path: headersPath, message: "Every header needs a unique name." }];
  if (kept !== undefined && originOf(url) !== originOf(storedUrl))
    return [
      {
        path: headersPath,
        message: `The value of ${kept.name} was given for another address. Give it again, or remove the header.`,
      },
    ];
  return [];
}

/** The server judges an address that cannot be read. */
function originOf(url: string): string {
  return URL.canParse(url.trim()) ? new URL(url.trim()).origin : "";
}
