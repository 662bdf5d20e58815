import { tokenize } from "./lexer";

/** The JSON text with two-space indentation and every lexeme kept; the text itself when it is not JSON. */
export function pretty(text: string): string {
  const tokens = tokenize(text);
  if (!tokens) return text;
  let out = "";
  let depth = 0;
  tokens.forEach(({ kind, lexeme }, index) => {
    const empty = tokens[index - 1]?.kind === "open";
    if (kind === "close") {
      depth--;
      out += empty ? lexeme : newLine(depth) + lexeme;
      return;
    }
    if (empty) out += newLine(depth);
    out += lexeme;
    if (kind === "open") depth++;
    if (kind === "colon") out += " ";
    if (kind === "comma") out += newLine(depth);
  });
  return out;
}

function newLine(depth: number): string {
  return `\n${"  ".repeat(Math.max(0, depth))}`;
}
