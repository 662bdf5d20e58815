import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { enumValue } from "@/schema/label";
import { pretty } from "@/ui/json/pretty";
import { block, instantParts, isSound, isWritten, maskPaths, nameInFile, spanParts } from "./code";
import type { Draft, MessageDraft } from "./draft";
import { decimalText, integerText, isFloat, isInteger, isLong } from "./scalar";
import { fieldShape, type Shape } from "./shape";
import { durationText } from "./special";

/** The draft as a call of the TypeScript client. */
export function typescriptCode(desc: DescMessage, draft: MessageDraft): string {
  const writer = new Writer();
  const schema = writer.schema(desc);
  const fields = writer.message(desc, draft);
  return `${writer.imports()}\n\nawait client.publish(${schema}, ${fields});\n`;
}

class Writer {
  /** Names by module. */
  readonly #modules = new Map<string, Set<string>>();

  imports(): string {
    return [...this.#modules]
      .map(([module, names]) => `import { ${[...names].sort().join(", ")} } from "${module}";`)
      .sort()
      .join("\n");
  }

  schema(desc: DescMessage): string {
    return this.#use(`./gen/${desc.file.name}_pb`, `${identifier(desc)}Schema`);
  }

  message(desc: DescMessage, draft: MessageDraft): string {
    const entries = desc.fields.flatMap((field) => {
      const value = draft.fields[field.name];
      if (!isWritten(field, value)) return [];
      const text = this.#field(field, value);
      if (!field.oneof) return [`${field.localName}: ${text}`];
      return [`${field.oneof.localName}: { case: "${field.localName}", value: ${text} }`];
    });
    return block("{", entries, "}", "  ");
  }

  #field(field: DescField, draft: Draft): string {
    const shape = fieldShape(field);
    if (draft.kind === "list") {
      const items = draft.items.filter(({ value }) => isSound(shape, value));
      return block(
        "[",
        items.map(({ value }) => this.#value(field, shape, value)),
        "]",
        "  ",
      );
    }
    if (draft.kind === "map") {
      const entries = draft.entries.filter(({ value }) => isSound(shape, value));
      const lines = entries.map(
        ({ key, value }) => `${JSON.stringify(key)}: ${this.#value(field, shape, value)}`,
      );
      return block("{", lines, "}", "  ");
    }
    return this.#value(field, shape, draft);
  }

  #value(field: DescField, shape: Shape, draft: Draft): string {
    if (draft.kind === "message")
      return shape.kind === "message" ? this.message(shape.desc, draft) : "";
    const text = draft.kind === "text" ? draft.text : String(draft.kind === "flag" && draft.on);
    switch (shape.kind) {
      case "choice":
        return this.#choice(shape.desc, text);
      case "special":
        return this.#special(shape, text);
      case "wrapper": {
        // A plain field holds the bare value, elsewhere it is a message.
        const value = this.#scalar(field, shape.scalar, text);
        return field.fieldKind === "message" && !field.oneof ? value : `{ value: ${value} }`;
      }
      case "scalar":
        return this.#scalar(field, shape.scalar, text);
      default:
        return "{}";
    }
  }

  #choice(desc: DescEnum, text: string): string {
    const value = enumValue(desc, text);
    if (!value) return text;
    return `${this.#use(`./gen/${desc.file.name}_pb`, identifier(desc))}.${value.localName}`;
  }

  #scalar(field: DescField, scalar: ScalarType, text: string): string {
    if (isLong(scalar)) {
      const asText = field.fieldKind !== "message" && "longAsString" in field && field.longAsString;
      return asText ? JSON.stringify(integerText(text)) : `${integerText(text)}n`;
    }
    if (isInteger(scalar)) return integerText(text);
    if (isFloat(scalar)) return floatText(text.trim());
    if (scalar === ScalarType.BOOL) return text;
    if (scalar !== ScalarType.BYTES) return JSON.stringify(text);
    const decode = this.#use("@bufbuild/protobuf/wire", "base64Decode");
    return `${decode}(${JSON.stringify(text.trim())})`;
  }

  #special({ special, desc }: Shape & { kind: "special" }, text: string): string {
    switch (special) {
      case "time":
        return this.#instant(text);
      case "duration": {
        const { seconds, nanos } = spanParts(durationText(text) ?? "");
        return `{ seconds: ${seconds}n${nanos === 0 ? "" : `, nanos: ${nanos}`} }`;
      }
      case "mask":
        return `{ paths: [${maskPaths(text)
          .map((path) => JSON.stringify(path))
          .join(", ")}] }`;
      case "object":
        return pretty(text);
      default: {
        const fromJson = this.#use("@bufbuild/protobuf", "fromJson");
        const schema = this.#use("@bufbuild/protobuf/wkt", `${desc.name}Schema`);
        const registry = special === "any" ? ", { registry }" : "";
        return `${fromJson}(${schema}, ${pretty(text)}${registry})`;
      }
    }
  }

  #instant(text: string): string {
    const { seconds, nanos } = instantParts(text);
    if (nanos % 1_000_000 !== 0) return `{ seconds: ${seconds}n, nanos: ${nanos} }`;
    const make = this.#use("@bufbuild/protobuf/wkt", "timestampFromDate");
    return `${make}(new Date(${JSON.stringify(text.trim())}))`;
  }

  #use(module: string, name: string): string {
    this.#modules.set(module, (this.#modules.get(module) ?? new Set()).add(name));
    return name;
  }
}

function identifier(desc: DescMessage | DescEnum): string {
  return nameInFile(desc).replaceAll(".", "_");
}

function floatText(text: string): string {
  if (text === "NaN") return "Number.NaN";
  if (text === "Infinity") return "Number.POSITIVE_INFINITY";
  return text === "-Infinity" ? "Number.NEGATIVE_INFINITY" : decimalText(text);
}
