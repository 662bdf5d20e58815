import type { Target } from "#gen/postrider/v1/subscription_pb";
import { fields, type Kept, nothing } from "@/store/kept";
import { hiddenValue, serverAlone, type TargetKind } from "../target";
import { WebhookFields } from "./fields";
import { headerPath, headersPath, isHeaderName, urlPath, webhookFaults } from "./rules";

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

/** Names are stored, values are not. A whole header that was pasted into the field of the name has its value in it. */
function keptHeaders(): Kept<HeaderField[]> {
  return {
    write: (headers) =>
      headers.map(({ name, value }) => ({
        name: isHeaderName(name) ? name : "",
        isStored: value === hiddenValue,
      })),
    read: (stored) => {
      if (!Array.isArray(stored)) return undefined;
      return stored.map((header, key) => ({
        key,
        name: String(header?.name ?? ""),
        value: header?.isStored === true ? hiddenValue : "",
      }));
    },
  };
}

export const webhook: TargetKind<WebhookState> = {
  label: "Webhook",
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
  texts: ({ url, headers }) => ({
    [urlPath]: url,
    [headersPath]: JSON.stringify(headers),
    ...Object.fromEntries(
      headers
        .filter(({ name }) => isHeaderName(name))
        .map(({ name, value }) => [headerPath(name), value]),
    ),
  }),
  kept: fields({ url: serverAlone, storedUrl: nothing, headers: keptHeaders() }),
  faults: webhookFaults,
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
