/** One token of an expression. Columns and offsets are in UTF-16 units, as a text field counts. */
export interface Token {
  kind: "name" | "number" | "string" | "sign";
  text: string;
  at: number;
}

const pattern =
  /\s+|\/\/[^\n]*|([A-Za-z_]\w*)|(\d[\w.]*)|("""[\s\S]*?(?:"""|$)|"(?:[^"\\\n]|\\.)*(?:"|$)|'(?:[^'\\\n]|\\.)*(?:'|$))|(&&|\|\||[=!<>]=|\.\?|[\s\S])/y;

/** Splits an expression into tokens. It never fails: what is not finished is a token up to the end. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const scanner = new RegExp(pattern);
  while (scanner.lastIndex < text.length) {
    const at = scanner.lastIndex;
    const [, name, number, string, sign] = scanner.exec(text) ?? [];
    if (name !== undefined) tokens.push({ kind: "name", text: name, at });
    else if (number !== undefined) tokens.push({ kind: "number", text: number, at });
    else if (string !== undefined) tokens.push({ kind: "string", text: string, at });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign, at });
  }
  return tokens;
}

/** Whether the text ends inside a string, where nothing is to be completed. */
export function isOpenString({ kind, text }: Token): boolean {
  if (kind !== "string") return false;
  const quote = text.startsWith('"""') ? '"""' : text.charAt(0);
  return text.length < 2 * quote.length || !text.endsWith(quote);
}
