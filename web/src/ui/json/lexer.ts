export type TokenKind = "open" | "close" | "colon" | "comma" | "string" | "number" | "word";

/** One token of a JSON text, exactly as written: numbers keep every digit. */
export interface Token {
  kind: TokenKind;
  lexeme: string;
}

const pattern =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings, so the pattern must name them.
  /[ \t\n\r]+|[{}[\]:,]|"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** Splits a JSON text into tokens; undefined when something in it is not JSON. */
export function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  const scanner = new RegExp(pattern);
  while (scanner.lastIndex < text.length) {
    const lexeme = scanner.exec(text)?.[0];
    if (lexeme === undefined) return undefined;
    const kind = kindOf(lexeme);
    if (kind) tokens.push({ kind, lexeme });
  }
  return tokens;
}

/** The first character decides; white space is no token. */
function kindOf(lexeme: string): TokenKind | undefined {
  switch (lexeme.charAt(0)) {
    case "{":
    case "[":
      return "open";
    case "}":
    case "]":
      return "close";
    case ":":
      return "colon";
    case ",":
      return "comma";
    case '"':
      return "string";
    case "t":
    case "f":
    case "n":
      return "word";
    case " ":
    case "\t":
    case "\n":
    case "\r":
      return undefined;
    default:
      return "number";
  }
}
