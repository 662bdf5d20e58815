import { parseDuration } from "@/ui/format/duration";
import { readTree } from "@/ui/json/tree";
import type { Special } from "./shape";

const instant = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;
const seconds = /^-?\d{1,12}(\.\d{1,9})?s$/;
const maskPaths =
  /^([a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)*)(,[a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)*)*$/;

/** Why the text is no value of the well-known type, for the person who typed it. */
export function specialFault(special: Special, text: string): string | undefined {
  const trimmed = text.trim();
  switch (special) {
    case "time":
      return isInstant(trimmed) ? undefined : "Write a time such as 2026-01-31T09:00:00Z.";
    case "duration":
      return durationText(trimmed) === undefined
        ? "Write a time span such as 90s, 1.5s or 2h30m."
        : undefined;
    case "mask":
      return trimmed === "" || maskPaths.test(trimmed)
        ? undefined
        : "Write field paths such as total,shipTo.city.";
    default:
      return jsonFault(special, trimmed);
  }
}

/** The JSON text of a value that has no fault. */
export function specialJson(special: Special, text: string): string {
  const trimmed = text.trim();
  switch (special) {
    case "time":
    case "mask":
      return JSON.stringify(trimmed);
    case "duration":
      return JSON.stringify(durationText(trimmed));
    default:
      return trimmed;
  }
}

/** A time span as Protobuf's JSON writes it, "90.5s", also where it was typed as "1m30.5s". */
export function durationText(text: string): string | undefined {
  const trimmed = text.trim();
  if (seconds.test(trimmed)) return trimmed;
  const ms = parseDuration(trimmed);
  return ms === undefined ? undefined : `${ms / 1000}s`;
}

function isInstant(text: string): boolean {
  return instant.test(text) && !Number.isNaN(Date.parse(text));
}

function jsonFault(special: Special, text: string): string | undefined {
  const node = readTree(text);
  if (!node) return "Write JSON.";
  if (special === "array" && node.kind !== "array") return "Write a JSON array.";
  if (special === "object" && node.kind !== "object") return "Write a JSON object.";
  if (special !== "any") return undefined;
  const named = node.kind === "object" && node.children.some(({ key }) => key === '"@type"');
  return named ? undefined : 'Write a JSON object with "@type", the full name of its message.';
}
