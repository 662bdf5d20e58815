import { type Token, tokenize } from "./lexer";

export interface Scalar {
  kind: "string" | "number" | "word";
  /** As written, quotes and escapes included. */
  lexeme: string;
}

export interface Container {
  kind: "object" | "array";
  children: Child[];
  /** How many lines it takes when everything in it is shown, its own two included. */
  lines: number;
}

export type Node = Scalar | Container;

export interface Child {
  /** The key as written, with its quotes; absent in an array. */
  key?: string;
  node: Node;
}

/**
 * Reads a JSON text into a tree of lexemes, without turning numbers into doubles and without reordering or dropping keys
 * (JSON.parse does all three). Undefined when it is not one JSON value. It does not recurse: the nesting of a payload must
 * not decide whether it can be shown.
 */
export function readTree(text: string): Node | undefined {
  const tokens = tokenize(text);
  return tokens && new Builder().build(tokens);
}

type Expected = "value" | "key" | "colon" | "comma" | "end";

class Builder {
  readonly #open: Container[] = [];
  #root: Node | undefined;
  #key: string | undefined;
  #expects: Expected = "value";
  /** Whether the container that is open may close here: yes when it is empty, no after a comma. */
  #mayClose = false;

  build(tokens: Token[]): Node | undefined {
    for (const token of tokens) {
      if (!this.#take(token)) return undefined;
    }
    return this.#expects === "end" ? this.#root : undefined;
  }

  #take(token: Token): boolean {
    switch (token.kind) {
      case "open":
        return this.#expects === "value" && this.#enter(token.lexeme);
      case "close":
        return this.#leave(token.lexeme);
      case "colon":
        return this.#step("colon", "value");
      case "comma":
        return this.#step("comma", this.#open.at(-1)?.kind === "object" ? "key" : "value");
      case "string":
        if (this.#expects === "key") return this.#takeKey(token.lexeme);
        return this.#takeScalar({ kind: "string", lexeme: token.lexeme });
      default:
        return this.#takeScalar({ kind: token.kind, lexeme: token.lexeme });
    }
  }

  #step(from: Expected, to: Expected): boolean {
    if (this.#expects !== from) return false;
    this.#expects = to;
    this.#mayClose = false;
    return true;
  }

  #takeKey(lexeme: string): boolean {
    this.#key = lexeme;
    return this.#step("key", "colon");
  }

  #takeScalar(node: Scalar): boolean {
    if (this.#expects !== "value") return false;
    this.#append(node);
    this.#afterValue();
    return true;
  }

  #enter(lexeme: string): boolean {
    const node: Container = { kind: lexeme === "{" ? "object" : "array", children: [], lines: 2 };
    this.#append(node);
    this.#open.push(node);
    this.#expects = node.kind === "object" ? "key" : "value";
    this.#mayClose = true;
    return true;
  }

  #leave(lexeme: string): boolean {
    const node = this.#open.at(-1);
    if (!node || (lexeme === "}") !== (node.kind === "object")) return false;
    if (this.#expects !== "comma" && !this.#mayClose) return false;
    this.#open.pop();
    const parent = this.#open.at(-1);
    if (node.children.length === 0) node.lines = 1;
    if (parent) parent.lines += node.lines;
    this.#afterValue();
    return true;
  }

  #append(node: Node): void {
    const parent = this.#open.at(-1);
    if (!parent) {
      this.#root = node;
      return;
    }
    parent.children.push(this.#key === undefined ? { node } : { key: this.#key, node });
    this.#key = undefined;
    if (!isContainer(node)) parent.lines++;
  }

  #afterValue(): void {
    this.#expects = this.#open.length > 0 ? "comma" : "end";
    this.#mayClose = false;
  }
}

export function isContainer(node: Node): node is Container {
  return node.kind === "object" || node.kind === "array";
}
