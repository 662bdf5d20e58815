import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { Chains } from "./chain";
import { enumLabel } from "./label";
import type { Schemas } from "./schemas";
import { isOpenString, type Token, tokenize } from "./tokens";
import { attributes, fieldTyping, type Typing } from "./typing";

/** A completion at the caret. */
export interface Option {
  label: string;
  /** What is put in; "|" is where the caret goes. */
  insert: string;
  /** What it is, for people. */
  about: string;
}

export interface Completion {
  /** Where the word begins that the options would replace. It ends at the caret. */
  from: number;
  options: Option[];
}

/** The maximum number of options. */
const limit = 50;

/** The completions at the caret, from the schemas of the filter's events. */
export function complete(
  text: string,
  caret: number,
  schemas: Schemas | undefined,
): Completion | undefined {
  const before = tokenize(text.slice(0, caret));
  const last = before.at(-1);
  if (last && isOpenString(last)) return undefined;
  const isWord = last?.kind === "name" && last.at + last.text.length === caret;
  const word = isWord ? last.text : "";
  const tokens = isWord ? before.slice(0, -1) : before;
  const options = optionsAfter(tokens, schemas).filter(({ label }) => fits(label, word));
  if (options.length === 0 || (options.length === 1 && options[0]?.insert === word)) {
    return undefined;
  }
  return { from: caret - word.length, options: ranked(options, word).slice(0, limit) };
}

/** Whether the options are worth showing unasked: while a word is typed, after a dot, and after a comparison. */
export function isInviting(text: string, caret: number): boolean {
  return /(\w|\.|[=!]=\s?)$/.test(text.slice(0, caret));
}

function optionsAfter(tokens: Token[], schemas: Schemas | undefined): Option[] {
  const types = schemas?.types ?? [];
  const roots = types.flatMap(({ type }) => schemas?.messageOf(type) ?? []);
  const chains = new Chains(tokens, roots);
  const last = tokens.at(-1);
  const end = tokens.length - 1;
  if (last?.text === "." || last?.text === ".?") {
    const of = chains.endingAt(end - 1);
    return members(of, roots);
  }
  if (last?.kind === "number" || last?.kind === "string" || last?.kind === "name") return [];
  if (last?.text === ")" || last?.text === "]") return [];
  const compared = ["==", "!=", "<", "<=", ">", ">="].includes(last?.text ?? "");
  const names = types.map(({ type }) => type);
  return [...(compared ? values(chains.endingAt(end - 1), names) : []), ...starts(chains)];
}

function members(of: Typing, roots: readonly DescMessage[]): Option[] {
  switch (of.kind) {
    case "event":
      return Object.entries(attributes).map(([label, { about }]) => ({
        label,
        insert: label,
        about,
      }));
    case "message":
      return fields(of.descs, roots.length);
    default:
      return methods[of.kind] ?? [];
  }
}

/** The fields of all schemas, each once, with how many of the types have it where not all do. */
function fields(descs: readonly DescMessage[], count: number): Option[] {
  const found = new Map<string, { field: DescField; among: number }>();
  for (const field of descs.flatMap((desc) => desc.fields)) {
    const known = found.get(field.name);
    found.set(field.name, { field: known?.field ?? field, among: (known?.among ?? 0) + 1 });
  }
  return [...found.values()].map(({ field, among }) => ({
    label: field.name,
    insert: field.name,
    about: among < descs.length ? `${about(field)}, in ${among} of ${count} types` : about(field),
  }));
}

function about(field: DescField): string {
  const typing = fieldTyping(field);
  const element = field.message?.name ?? field.enum?.name ?? "";
  switch (typing.kind) {
    case "list":
      return `list of ${element || kindOf(typing.of)}`;
    case "map":
      return `map of ${element || kindOf(typing.of)}`;
    case "message":
    case "enum":
      return element;
    default:
      return kindOf(typing);
  }
}

const kinds: Partial<Record<Typing["kind"], string>> = {
  text: "string",
  flag: "bool",
  time: "timestamp",
  span: "duration",
  unknown: "any JSON",
};

function kindOf({ kind }: Typing): string {
  return kinds[kind] ?? kind;
}

/** The values that something can be compared with. */
function values(of: Typing, types: string[]): Option[] {
  switch (of.kind) {
    case "enum":
      return of.desc.values.map((value) => ({
        label: value.name,
        insert: `${of.desc.typeName}.${value.name}`,
        about: enumLabel(value),
      }));
    case "flag":
      return ["true", "false"].map((label) => ({ label, insert: label, about: "bool" }));
    case "type":
      return types.map((type) => ({
        label: type,
        insert: JSON.stringify(type),
        about: "event type",
      }));
    case "time":
      return [call('timestamp("|")', "a time such as 2026-01-31T09:00:00Z")];
    case "span":
      return [call('duration("|")', "a time span such as 1h30m")];
    default:
      return [];
  }
}

/** What an expression can begin with. */
function starts({ variables }: Chains): Option[] {
  return [
    ...[...variables.keys()].map((label) => ({ label, insert: label, about: "variable" })),
    { label: "event", insert: "event", about: "the event" },
    ...functions,
  ];
}

function call(insert: string, what: string): Option {
  return { label: insert.replace("|", ""), insert, about: what };
}

const functions = [
  call("has(|)", "whether a field is set"),
  call("size(|)", "length of a text, list or map"),
  call('timestamp("|")', "a time"),
  call('duration("|")', "a time span"),
];

const collection = [
  call("exists(x, |)", "true for at least one"),
  call("all(x, |)", "true for each"),
  call("exists_one(x, |)", "true for exactly one"),
  call("filter(x, |)", "elements for which it is true"),
  call("map(x, |)", "a value for each element"),
  call("size()", "how many"),
];

const methods: Partial<Record<Typing["kind"], Option[]>> = {
  list: collection,
  map: collection.filter(({ label }) => !label.startsWith("map")),
  text: [
    call('startsWith("|")', "begins with"),
    call('endsWith("|")', "ends with"),
    call('contains("|")', "contains"),
    call('matches("|")', "fits a regular expression (RE2)"),
    call("lowerAscii()", "in lower case"),
    call("size()", "length"),
  ],
  type: [
    call('startsWith("|")', "begins with"),
    call('endsWith("|")', "ends with"),
    call('matches("|")', "fits a regular expression (RE2)"),
  ],
  bytes: [call("size()", "length")],
  time: ["getFullYear", "getMonth", "getDayOfMonth", "getDayOfWeek", "getHours", "getMinutes"].map(
    (name) => call(`${name}(|)`, "in UTC, or in the zone given"),
  ),
  span: ["getHours", "getMinutes", "getSeconds"].map((name) =>
    call(`${name}()`, "as a whole number"),
  ),
};

/** Whether the word is in the label, as typed or without regard to case. */
function fits(label: string, word: string): boolean {
  return label.toLowerCase().includes(word.toLowerCase());
}

/** Options that begin with the word come before those that contain it. */
function ranked(options: Option[], word: string): Option[] {
  const begins = ({ label }: Option) => label.toLowerCase().startsWith(word.toLowerCase());
  return [...options.filter(begins), ...options.filter((option) => !begins(option))];
}
