import { type Completion, complete } from "@/schema/completion";
import type { Schemas } from "@/schema/schemas";
import { isPattern, splitTypes } from "./filter";

/** What a text in the search box can mean. */
export type Meaning =
  | { kind: "id"; id: string }
  | { kind: "types"; types: string[] }
  | { kind: "subject"; subject: string }
  | { kind: "expression"; expression: string }
  /** The next text, with the caret at a place in it: the search is not finished. */
  | { kind: "complete"; text: string; caret: number; label: string; about: string };

export interface Reading {
  /** The most likely one first. */
  meanings: Meaning[];
  /** Why none of them can be what was meant. */
  fault?: string;
}

interface Known {
  /** Names of types, of the registry and of events that were seen. */
  types: readonly string[];
  /** The schemas of the types that are searched. */
  schemas: Schemas | undefined;
}

const mostTypes = 8;
const mostCompletions = 12;
const prefix = /^(id|type|subject|cel):\s*/i;
/** What neither a type, a subject nor an id is likely to contain. */
const operators = /[=<>!&|()"'?[\]]|\bevent\b|\s(in)\s/;
const ownId = /^evt_[0-9a-z]{8,}$/;
const anyId = /^[A-Za-z0-9_:-]{1,64}$/;

/** Reads what is in the search box up to its end, and what it may become. */
export function readSearch(text: string, caret: number, known: Known): Reading {
  const named = prefix.exec(text)?.[1]?.toLowerCase();
  const typed = text.replace(prefix, "").trim();
  switch (named) {
    case "id":
      return { meanings: idsOf(typed) };
    case "subject":
      return { meanings: typed === "" ? [] : [{ kind: "subject", subject: typed }] };
    case "cel":
      return { meanings: expressionOf(text, caret, known) };
    case "type":
      return readTypes(typed, known);
    default:
      return readPlain(text, typed, caret, known);
  }
}

function readPlain(text: string, typed: string, caret: number, known: Known): Reading {
  if (operators.test(text)) return { meanings: expressionOf(text, caret, known) };
  if (ownId.test(typed))
    return { meanings: [...idsOf(typed), { kind: "subject", subject: typed }] };
  const types = readTypes(typed, known);
  if (types.fault !== undefined) return types;
  const others: Meaning[] =
    typed === "" ? [] : [{ kind: "subject", subject: typed }, ...idsOf(typed)];
  const words = completions(text, caret, known);
  const isType = typed.includes(".") || typed.includes("*") || typed.includes(",");
  const isKnown = known.types.some((type) => type.startsWith(typed));
  const meanings =
    isType || isKnown ? [...types.meanings, ...others] : [...others, ...types.meanings];
  return { meanings: [...meanings, ...words] };
}

/** Patterns as typed, and the known types that they may become. */
function readTypes(typed: string, known: Known): Reading {
  const patterns = splitTypes(typed);
  const word = typed.endsWith(",") ? "" : (patterns.at(-1) ?? "");
  const before = word === "" ? patterns : patterns.slice(0, -1);
  // "order." is on its way to a pattern.
  const wrong = patterns.find((one) => !isPattern(one) && !isPattern(`${one}*`));
  if (wrong !== undefined) {
    if (!wrong.includes("*") && !typed.includes(",")) return { meanings: [] };
    return { meanings: [], fault: `“${wrong}” is no pattern. Use order.created, order.* or *.` };
  }
  const offered = new Set<string>();
  if (isPattern(word)) offered.add(word);
  const under = word.endsWith(".") ? `${word}*` : `${word}.*`;
  const matching = ranked(known.types, word);
  if (isPattern(under) && matching.some((type) => type.startsWith(under.slice(0, -1)))) {
    offered.add(under);
  }
  for (const type of matching.slice(0, mostTypes)) offered.add(type);
  const meanings = [...offered].map(
    (type): Meaning => ({ kind: "types", types: [...before, type] }),
  );
  return { meanings };
}

/** Types that begin with the word come before those that contain it. */
function ranked(types: readonly string[], word: string): string[] {
  const lower = word.toLowerCase();
  const fitting = types.filter((type) => type.toLowerCase().includes(lower));
  const begins = (type: string) => (type.toLowerCase().startsWith(lower) ? 0 : 1);
  return fitting.toSorted((a, b) => begins(a) - begins(b) || a.localeCompare(b));
}

function idsOf(typed: string): Meaning[] {
  return anyId.test(typed) ? [{ kind: "id", id: typed }] : [];
}

function expressionOf(text: string, caret: number, known: Known): Meaning[] {
  const expression = text.replace(/^cel:\s*/i, "").trim();
  const whole: Meaning[] = expression === "" ? [] : [{ kind: "expression", expression }];
  return [...whole, ...completions(text, caret, known)];
}

/** What the word at the caret may become in an expression. */
function completions(text: string, caret: number, { schemas }: Known): Meaning[] {
  // The prefix is no part of the expression: with its characters blank, places in the two are the same.
  const blank = text.replace(/^cel:/i, "    ");
  if (blank.trim() === "" && blank === text) return [];
  const found = complete(blank, caret, schemas);
  return (found?.options ?? [])
    .slice(0, mostCompletions)
    .map((option) => completed(text, caret, found as Completion, option));
}

function completed(
  text: string,
  caret: number,
  { from }: Completion,
  { insert, label, about }: Completion["options"][number],
): Meaning {
  const inserted = insert.replace("|", "");
  const at = insert.indexOf("|");
  return {
    kind: "complete",
    text: text.slice(0, from) + inserted + text.slice(caret),
    caret: from + (at === -1 ? inserted.length : at),
    label,
    about,
  };
}
