import type { FieldFault } from "@/rpc/fault";
import { parseDuration } from "@/ui/format/duration";
import { splitList } from "@/ui/format/list";
import type { FormState } from "./form-state";
import { lengthOf } from "./length";
import { targetFaults } from "./targets/registry";

const longestName = 100;
const longestDescription = 1000;
const mostPatterns = 100;
const longestPattern = 257;
const longestExpression = 4096;
const mostWaits = 50;
const mostConcurrency = 1024;
const longestCursor = 64;
const second = 1000;
const day = 24 * 3600 * second;

/** The rules of the contract for what the form sends, in plain words; everything else the server judges. */
export function formFaults(form: FormState): FieldFault[] {
  const rules: Record<string, string | undefined> = {
    "subscription.name": nameFault(form.name.trim()),
    "subscription.description": lengthFault(form.description.trim(), longestDescription),
    "subscription.filter.types": patternsFault(splitList(form.types)),
    "subscription.filter.expression": lengthFault(form.expression.trim(), longestExpression),
    "subscription.start": startFault(form),
    "subscription.policy.retry_schedule": waitsFault(splitList(form.retrySchedule)),
    "subscription.policy.concurrency": concurrencyFault(form.concurrency.trim()),
    "subscription.policy.timeout":
      form.timeout.trim() === ""
        ? undefined
        : durationFault(form.timeout, 120 * second, "2 minutes"),
    "subscription.secret": secretFault(form.secret.trim()),
  };
  const faults = Object.entries(rules).flatMap(([path, message]) =>
    message === undefined ? [] : [{ path, message }],
  );
  return [...faults, ...targetFaults(form.kind, form.targets)];
}

function lengthFault(text: string, most: number): string | undefined {
  const length = lengthOf(text);
  return length > most
    ? `${length.toLocaleString("en")} characters are too many: at most ${most.toLocaleString("en")} are allowed.`
    : undefined;
}

function nameFault(name: string): string | undefined {
  if (name === "") return "Give it a name.";
  if (!/^[A-Za-z0-9]/.test(name)) return "A name begins with a letter from A to Z or a digit.";
  const odd = /[^A-Za-z0-9._ -]/u.exec(name)?.[0];
  if (odd) return `A name has letters from A to Z, digits, spaces and . _ - but no ${odd}`;
  if (name.includes("  ")) return "There are two spaces in a row.";
  if (/^[a-z]{3}_[0-9a-z]{20}$/.test(name)) return "This could be mistaken for an id.";
  return lengthFault(name, longestName);
}

function patternsFault(patterns: string[]): string | undefined {
  const broken = patterns.find(
    (pattern) => !/^(\*|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.\*)?)$/.test(pattern),
  );
  if (broken !== undefined) {
    return `${broken} is no event type. Write one as order.created, several as order.* and all as *.`;
  }
  if (patterns.length > mostPatterns) return `At most ${mostPatterns} types are allowed.`;
  if (patterns.some((pattern) => pattern.length > longestPattern)) {
    return `An event type has at most ${longestPattern} characters.`;
  }
  return undefined;
}

function startFault({ startAt, startTime, startCursor }: FormState): string | undefined {
  if (startAt === "time" && Number.isNaN(Date.parse(startTime))) return "Choose a day and a time.";
  if (startAt !== "cursor") return undefined;
  const cursor = startCursor.trim();
  if (cursor === "") return "Paste a cursor, for example from an event's detail.";
  return cursor.length > longestCursor ? "This is too long for a cursor." : undefined;
}

function waitsFault(waits: string[]): string | undefined {
  if (waits.length > mostWaits) return `At most ${mostWaits} waits are allowed.`;
  for (const wait of waits) {
    const fault = durationFault(wait, 7 * day, "7 days");
    if (fault) return fault;
  }
  return undefined;
}

function durationFault(text: string, mostMs: number, most: string): string | undefined {
  const ms = parseDuration(text);
  if (ms === undefined) return `${text.trim()} is no time. Write 500ms, 15s, 5m, 2h or 1d.`;
  if (ms < 100) return `${text.trim()} is too short: at least 100ms.`;
  return ms > mostMs ? `${text.trim()} is too long: at most ${most}.` : undefined;
}

function concurrencyFault(text: string): string | undefined {
  if (!/^\d*$/.test(text)) return "Write a whole number.";
  return Number(text) > mostConcurrency ? `At most ${mostConcurrency} are allowed.` : undefined;
}

function secretFault(secret: string): string | undefined {
  if (secret === "") return undefined;
  const text = /^whsec_([A-Za-z0-9+/]+)=*$/.exec(secret)?.[1];
  const bytes = text === undefined ? 0 : Math.floor((text.length * 3) / 4);
  if (bytes >= 24 && bytes <= 64) return undefined;
  return "A secret is whsec_ and 24 to 64 bytes in base64. Leave it empty to have one made.";
}
