import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import type { Draft } from "./draft";
import { valueFault } from "./faults";
import { fieldShape, isOptional, type Shape } from "./shape";

/** Entries between brackets, each on a line of its own with a comma behind it. */
export function block(
  open: string,
  entries: readonly string[],
  close: string,
  indent: string,
): string {
  if (entries.length === 0) return open + close;
  const lines = entries.map((entry) => `${indent}${entry.replaceAll("\n", `\n${indent}`)},\n`);
  return `${open}\n${lines.join("")}${close}`;
}

/** Whether the field is worth a line: what is empty or cannot be written is left out. */
export function isWritten(field: DescField, draft: Draft | undefined): draft is Draft {
  if (!draft) return false;
  switch (draft.kind) {
    case "list":
      return draft.items.length > 0;
    case "map":
      return draft.entries.length > 0;
    case "flag":
      return draft.on || isOptional(field);
    case "text":
      return (draft.text !== "" || isOptional(field)) && isSound(fieldShape(field), draft);
    default:
      return true;
  }
}

/** Whether the value can be written as code. */
export function isSound(shape: Shape, draft: Draft): boolean {
  return draft.kind !== "text" || valueFault(shape, draft.text) === undefined;
}

/** The name without its package: Outer.Inner. */
export function nameInFile(desc: DescMessage | DescEnum): string {
  const { package: name } = desc.file.proto;
  return name === "" ? desc.typeName : desc.typeName.slice(name.length + 1);
}

/** A time as seconds since 1970 and nanoseconds. */
export function instantParts(text: string): { seconds: bigint; nanos: number } {
  const trimmed = text.trim();
  const fraction = /\.(\d+)/.exec(trimmed)?.[1] ?? "";
  const whole = Date.parse(trimmed.replace(/\.\d+/, ""));
  return { seconds: BigInt(whole / 1000), nanos: Number(fraction.padEnd(9, "0")) };
}

/** A time span as seconds and nanoseconds of the same sign, from "-1.5s". */
export function spanParts(text: string): { seconds: string; nanos: number } {
  const [, sign = "", whole = "0", fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?s$/.exec(text) ?? [];
  const nanos = Number(fraction.padEnd(9, "0"));
  const seconds = BigInt(sign + whole).toString();
  return { seconds, nanos: sign && nanos ? -nanos : nanos };
}

/** The paths of a field mask as the schema writes them: shipTo.city is ship_to.city. */
export function maskPaths(text: string): string[] {
  return text
    .split(",")
    .map((path) => path.trim().replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
    .filter((path) => path !== "");
}
