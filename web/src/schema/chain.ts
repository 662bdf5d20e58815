import type { DescMessage } from "@bufbuild/protobuf";
import type { Token } from "./tokens";
import { memberOf, type Typing, unknownTyping } from "./typing";

/** The macros that go through a list or map with a variable of their own. */
export const macros = ["exists", "all", "exists_one", "filter", "map"];

/** Determines the types of the parts of an unfinished expression. */
export class Chains {
  readonly #tokens: readonly Token[];
  readonly #roots: readonly DescMessage[];
  /** The variables of the macros that are open at the end, innermost last. */
  readonly variables: ReadonlyMap<string, Typing>;

  constructor(tokens: readonly Token[], roots: readonly DescMessage[]) {
    this.#tokens = tokens;
    this.#roots = roots;
    this.variables = this.#openVariables();
  }

  /** The type of the operand that ends with the token at the index. */
  endingAt(index: number, variables = this.variables): Typing {
    const token = this.#tokens[index];
    if (!token) return unknownTyping;
    if (token.kind === "string") return { kind: "text" };
    if (token.kind === "number") return { kind: "number" };
    if (token.text === "]") return this.#element(index, variables);
    if (token.text === ")") return this.#result(index, variables);
    if (token.kind !== "name") return unknownTyping;
    if (this.#isDot(index - 1)) {
      return memberOf(this.endingAt(index - 2, variables), token.text, this.#roots);
    }
    return (
      variables.get(token.text) ?? (token.text === "event" ? { kind: "event" } : unknownTyping)
    );
  }

  #isDot(index: number): boolean {
    const text = this.#tokens[index]?.text;
    return text === "." || text === ".?";
  }

  /** lines[0] is an element of lines. */
  #element(close: number, variables: ReadonlyMap<string, Typing>): Typing {
    const open = this.#opening(close);
    const before = this.#tokens[open - 1];
    if (!before || (before.kind !== "name" && ![")", "]"].includes(before.text))) {
      return unknownTyping;
    }
    const of = this.endingAt(open - 1, variables);
    return of.kind === "list" || of.kind === "map" ? of.of : unknownTyping;
  }

  /** The type of a call. */
  #result(close: number, variables: ReadonlyMap<string, Typing>): Typing {
    const open = this.#opening(close);
    const name = this.#tokens[open - 1];
    if (name?.kind !== "name") return unknownTyping;
    const isMethod = this.#isDot(open - 2);
    switch (name.text) {
      case "filter":
        return isMethod ? this.endingAt(open - 3, variables) : unknownTyping;
      case "timestamp":
        return { kind: "time" };
      case "duration":
        return { kind: "span" };
      case "size":
      case "int":
      case "uint":
      case "double":
        return { kind: "number" };
      case "string":
      case "lowerAscii":
      case "upperAscii":
      case "trim":
      case "replace":
      case "join":
        return { kind: "text" };
      default:
        return name.text.startsWith("get") ? { kind: "number" } : unknownTyping;
    }
  }

  /** The bracket that the one at the index closes; -1 when there is none. */
  #opening(close: number): number {
    let depth = 0;
    for (let index = close; index >= 0; index--) {
      const { text, kind } = this.#tokens[index] ?? { text: "", kind: "sign" };
      if (kind !== "sign") continue;
      if (text === ")" || text === "]" || text === "}") depth++;
      if (text === "(" || text === "[" || text === "{") depth--;
      if (depth === 0) return index;
    }
    return -1;
  }

  #openVariables(): Map<string, Typing> {
    const open: ([name: string, typing: Typing] | undefined)[] = [];
    const inScope = () => new Map(open.filter((entry) => entry !== undefined));
    this.#tokens.forEach(({ kind, text }, index) => {
      if (kind !== "sign") return;
      if (text === "(") open.push(this.#variable(index, inScope()));
      else if (text === "[" || text === "{") open.push(undefined);
      else if (text === ")" || text === "]" || text === "}") open.pop();
    });
    return inScope();
  }

  /** The variable of the macro whose bracket this is: `lines.exists(line, …`. */
  #variable(bracket: number, outer: Map<string, Typing>): [string, Typing] | undefined {
    const [variable, comma] = [this.#tokens[bracket + 1], this.#tokens[bracket + 2]];
    const isMacro = macros.includes(this.#tokens[bracket - 1]?.text ?? "");
    if (!isMacro || !this.#isDot(bracket - 2) || variable?.kind !== "name" || comma?.text !== ",") {
      return undefined;
    }
    const over = this.endingAt(bracket - 3, outer);
    if (over.kind === "list") return [variable.text, over.of];
    return [variable.text, over.kind === "map" ? { kind: "text" } : unknownTyping];
  }
}
