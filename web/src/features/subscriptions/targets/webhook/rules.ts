import type { FieldFault } from "@/rpc/fault";
import { lengthOf } from "../../length";
import { hiddenValue } from "../target";
import type { HeaderField, WebhookState } from "./webhook";

export const urlPath = "subscription.target.webhook.url";
export const headersPath = "subscription.target.webhook.headers";

const longestUrl = 2048;
const mostHeaders = 20;
const longestName = 128;
const longestValue = 2048;

/** The value of a header, as the server names it. */
export function headerPath(name: string): string {
  return `${headersPath}[${JSON.stringify(name.trim())}]`;
}

/** The rules of postrider.target.v1.Webhook, and what the server cannot see: which values it has. */
export function webhookFaults(state: WebhookState): FieldFault[] {
  const url = urlFault(state.url.trim());
  return [...(url ? [{ path: urlPath, message: url }] : []), ...headersFaults(state)];
}

function urlFault(url: string): string | undefined {
  if (url === "") return "Write the address that events are sent to.";
  if (!/^https?:\/\//i.test(url)) return "The address begins with https:// or http://.";
  if (!URL.canParse(url) || /[\s\\^`{|}<>"]/.test(url)) {
    return "This is not an address. One is https://example.com/hook.";
  }
  if (lengthOf(url) > longestUrl) return `An address has at most ${longestUrl} characters.`;
  return undefined;
}

function headersFaults({ url, storedUrl, headers }: WebhookState): FieldFault[] {
  const faults: FieldFault[] = [];
  const names = headers.map(({ name }) => name.trim().toLowerCase());
  headers.forEach(({ name, value }, index) => {
    const isTwice = names.indexOf(names[index] ?? "") !== index;
    const message =
      nameFault(name.trim(), isTwice) ??
      valueFault(value, value === hiddenValue && originOf(url) !== originOf(storedUrl));
    if (message) faults.push({ path: headerPath(name), message });
  });
  if (headers.length > mostHeaders) {
    faults.push({ path: headersPath, message: `There may be ${mostHeaders} headers at most.` });
  }
  return faults;
}

/** The characters of a token, RFC 9110, section 5.6.2. */
export function isHeaderName(text: string): boolean {
  return /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(text);
}

function nameFault(name: HeaderField["name"], isTwice: boolean): string | undefined {
  if (name === "") return "Give the header a name, or remove it.";
  if (isTwice) return "There is a header of this name already.";
  if (name.length > longestName) return `A name has at most ${longestName} characters.`;
  if (isHeaderName(name)) return undefined;
  return "A name has letters, digits and - only, and no space.";
}

function valueFault(value: string, isOfOtherServer: boolean): string | undefined {
  if (isOfOtherServer) {
    return "The value was given for another address. Give it again, or remove the header.";
  }
  if (lengthOf(value) > longestValue) return `A value has at most ${longestValue} characters.`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) return "A value has no control characters.";
  return undefined;
}

/** The server judges an address that cannot be read. */
function originOf(url: string): string {
  return URL.canParse(url.trim()) ? new URL(url.trim()).origin : "";
}
