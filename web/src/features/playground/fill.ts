import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { pretty } from "@/ui/json/pretty";
import { type Child, type Container, isContainer, type Node, readTree } from "@/ui/json/tree";
import { type Draft, type Entry, type Item, type MessageDraft, withItem } from "./draft";
import { fieldShape, type Shape } from "./shape";

/** A draft made from a JSON payload, and what of it the schema has no place for. */
export interface Filled {
  draft: MessageDraft;
  /** Paths of the members that were left out. */
  ignored: string[];
}

/** Fills the form from a JSON object; undefined when the text is none. Numbers keep every digit. */
export function fillFromJson(desc: DescMessage, text: string): Filled | undefined {
  const node = readTree(text);
  if (node?.kind !== "object") return undefined;
  const filler = new Filler();
  return { draft: filler.message(desc, node, ""), ignored: filler.ignored };
}

class Filler {
  readonly ignored: string[] = [];

  message(desc: DescMessage, node: Container, above: string): MessageDraft {
    const fields: Record<string, Draft> = {};
    for (const child of node.children) {
      const name = keyOf(child);
      const path = above === "" ? name : `${above}.${name}`;
      const field = desc.fields.find((f) => f.jsonName === name || f.name === name);
      if (!field) this.ignored.push(path);
      else if (!isNull(child.node, field)) this.#set(fields, field, child.node, path);
    }
    return { kind: "message", fields };
  }

  #set(fields: Record<string, Draft>, field: DescField, node: Node, path: string): void {
    const draft = this.#field(field, node, path);
    if (!draft) this.ignored.push(path);
    else fields[field.name] = draft;
  }

  #field(field: DescField, node: Node, path: string): Draft | undefined {
    const shape = fieldShape(field);
    if (field.fieldKind === "list") {
      if (node.kind !== "array") return undefined;
      let items: Item[] = [];
      node.children.forEach((child, index) => {
        const value = this.#value(shape, child.node, `${path}[${index}]`);
        if (value) items = withItem(items, { value });
      });
      return { kind: "list", items };
    }
    if (field.fieldKind === "map") {
      if (node.kind !== "object") return undefined;
      let entries: Entry[] = [];
      for (const child of node.children) {
        const key = keyOf(child);
        const value = this.#value(shape, child.node, `${path}[${JSON.stringify(key)}]`);
        if (value) entries = withItem(entries, { key, value });
      }
      return { kind: "map", entries };
    }
    return this.#value(shape, node, path);
  }

  /** A value that has the wrong form is kept as text where there is a text field to show it in. */
  #value(shape: Shape, node: Node, path: string): Draft | undefined {
    if (shape.kind === "message") {
      return node.kind === "object" ? this.message(shape.desc, node, path) : undefined;
    }
    if (shape.kind === "special") return { kind: "text", text: specialText(shape, node) };
    if (isContainer(node)) return undefined;
    if (shape.kind !== "choice" && shape.scalar === ScalarType.BOOL) {
      return node.kind === "word" ? { kind: "flag", on: node.lexeme === "true" } : undefined;
    }
    return { kind: "text", text: scalarText(node.kind, node.lexeme) };
  }
}

/** JSON's null leaves a field unset, except where null is a value. */
function isNull(node: Node, field: DescField): boolean {
  if (isContainer(node) || node.lexeme !== "null") return false;
  return field.message?.typeName !== "google.protobuf.Value";
}

function keyOf({ key }: Child): string {
  return key === undefined ? "" : String(JSON.parse(key));
}

function scalarText(kind: string, lexeme: string): string {
  return kind === "string" ? String(JSON.parse(lexeme)) : lexeme;
}

function specialText(shape: Shape & { kind: "special" }, node: Node): string {
  const isText = ["time", "duration", "mask"].includes(shape.special);
  if (isText && !isContainer(node) && node.kind === "string")
    return String(JSON.parse(node.lexeme));
  return pretty(written(node));
}

/** The node as JSON again, lexeme by lexeme. */
function written(node: Node): string {
  if (!isContainer(node)) return node.lexeme;
  if (node.kind === "array")
    return `[${node.children.map((child) => written(child.node)).join(",")}]`;
  return `{${node.children.map(({ key, node: value }) => `${key}:${written(value)}`).join(",")}}`;
}
