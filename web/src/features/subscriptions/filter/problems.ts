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
  const word = /\w/;
  // A call's problem stands at its bracket, and is about the name before it.
  const isCall = text.charAt(at) === "(" && at > 0 && word.test(text.charAt(at - 1));
  let from = isCall ? at - 1 : at;
  let to = isCall ? at : at + 1;
  if (!word.test(text.charAt(from))) return { from, to };
  while (from > 0 && word.test(text.charAt(from - 1))) from--;
  while (to < text.length && word.test(text.charAt(to))) to++;
  return { from, to };
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
