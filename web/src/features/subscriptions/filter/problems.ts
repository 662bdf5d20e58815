import type { FilterProblem } from "#gen/postrider/v1/subscription_pb";

/** A part of an expression, by the offsets a text field uses. */
export interface Range {
  from: number;
  to: number;
}

/** The part of the expression that a problem is about: the word at its place, or the sign. */
export function problemRange(text: string, problem: Pick<FilterProblem, "line" | "column">): Range {
  const at = offsetOf(text, problem.line, problem.column);
  if (at >= text.length) return { from: Math.max(0, text.length - 1), to: text.length };
  // A call's problem stands at its bracket, and is about the name before it.
  const isCall = text.charAt(at) === "(" && isWord(text.charAt(at - 1));
  const start = isCall ? at - 1 : at;
  const isAlike = alike(text.charAt(start));
  let from = start;
  let to = start + 1;
  while (from > 0 && isAlike(text.charAt(from - 1))) from--;
  while (to < text.length && isAlike(text.charAt(to))) to++;
  return { from, to };
}

/** What a character forms one word or one operator with. */
function alike(sign: string): (other: string) => boolean {
  if (isWord(sign)) return isWord;
  return /[=!<>&|]/.test(sign) ? (other) => /[=!<>&|]/.test(other) : () => false;
}

function isWord(sign: string): boolean {
  return /\w/.test(sign);
}

/** The expression with the suggestion in place of what it is about. */
export function applySuggestion(text: string, problem: FilterProblem): string {
  const { from, to } = problemRange(text, problem);
  return text.slice(0, from) + problem.suggestion + text.slice(to);
}

/** Lines and columns count from 1, columns in characters: an emoji is one. */
function offsetOf(text: string, line: number, column: number): number {
  const lines = text.split("\n");
  const above = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  const before = [...(lines[line - 1] ?? "")].slice(0, column - 1).join("");
  return above + before.length;
}

/** A problem, and the types that have it; none where it is a problem for all. */
export interface ProblemGroup {
  problem: FilterProblem;
  types: string[];
}

/** The same problem of several types once. */
export function groupProblems(problems: readonly FilterProblem[]): ProblemGroup[] {
  const groups = new Map<string, ProblemGroup>();
  for (const problem of problems) {
    const key = `${problem.line}:${problem.column} ${problem.message} ${problem.suggestion}`;
    const group = groups.get(key) ?? { problem, types: [] };
    if (problem.type !== "") group.types.push(problem.type);
    groups.set(key, group);
  }
  return [...groups.values()];
}
