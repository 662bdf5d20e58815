import {
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  ScalarType,
} from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { enumValue } from "@/schema/label";
import { block, instantParts, isSound, isWritten, maskPaths, nameInFile, spanParts } from "./code";
import type { Draft, MessageDraft } from "./draft";
import { goCamelCase, goFieldName, goPackage } from "./go-names";
import { decimalText, integerText, isFloat, isInteger } from "./scalar";
import { fieldShape, isOptional, type Shape } from "./shape";
import { durationText } from "./special";

const known = "google.golang.org/protobuf/types/known/";

/** The draft as a call of the Go client. */
export function goCode(desc: DescMessage, draft: MessageDraft): string {
  const writer = new Writer();
  const message = `&${writer.type(desc)}${writer.message(desc, draft)}`;
  const call = `_, err := c.Publish(ctx, ${message})\n`;
  return `${writer.imports()}\n\n${call}${writer.fromJsonUsed ? fromJson : ""}`;
}

const fromJson = `
// fromJSON reads a well-known type from its JSON form.
func fromJSON[M proto.Message](m M, text string) M {
	if err := protojson.Unmarshal([]byte(text), m); err != nil {
		panic(err)
	}
	return m
}
`;

class Writer {
  fromJsonUsed = false;
  /** Names by import path; the name is empty where it is the path's own. */
  readonly #packages = new Map<string, string>();

  imports(): string {
    const lines = [...this.#packages]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, name]) => (name === "" ? `\t"${path}"` : `\t${name} "${path}"`));
    // The standard library comes first, as gofmt's users have it.
    const groups = [false, true].map((dotted) =>
      lines.filter((line) => line.includes(".") === dotted),
    );
    const blocks = groups.filter((group) => group.length > 0).map((group) => group.join("\n"));
    return `import (\n${blocks.join("\n\n")}\n)`;
  }

  type(desc: DescMessage | DescEnum): string {
    return `${this.#package(desc.file)}.${goCamelCase(nameInFile(desc))}`;
  }

  message(desc: DescMessage, draft: MessageDraft): string {
    const entries = desc.fields.flatMap((field) => {
      const value = draft.fields[field.name];
      return isWritten(field, value) ? [this.#entry(field, value)] : [];
    });
    return block("{", entries, "}", "\t");
  }

  #entry(field: DescField, draft: Draft): string {
    const name = goFieldName(field.name);
    const value = this.#field(field, draft);
    if (!field.oneof) return `${name}: ${value}`;
    const wrapper = `${this.type(field.parent)}_${goCamelCase(field.name)}`;
    return `${goFieldName(field.oneof.name)}: &${wrapper}{${name}: ${value}}`;
  }

  #field(field: DescField, draft: Draft): string {
    const shape = fieldShape(field);
    if (draft.kind === "list") {
      const items = draft.items.filter(({ value }) => isSound(shape, value));
      const lines = items.map(({ value }) => this.#value(shape, value, true));
      return block(`[]${this.#element(shape)}{`, lines, "}", "\t");
    }
    if (draft.kind === "map" && field.fieldKind === "map") {
      const entries = draft.entries.filter(({ value }) => isSound(shape, value));
      const lines = entries.map(
        ({ key, value }) => `${mapKey(field.mapKey, key)}: ${this.#value(shape, value, true)}`,
      );
      const type = `map[${goScalar(field.mapKey)}]${this.#element(shape)}`;
      return block(`${type}{`, lines, "}", "\t");
    }
    const value = this.#value(shape, draft, false);
    const isPointer = isOptional(field) && !field.oneof && !field.message;
    return isPointer ? this.#pointer(shape, value) : value;
  }

  /** A scalar or enum that can be absent is a pointer. */
  #pointer(shape: Shape, value: string): string {
    if (shape.kind === "choice") return `${value}.Enum()`;
    if (shape.kind !== "scalar" || shape.scalar === ScalarType.BYTES) return value;
    this.#use("google.golang.org/protobuf/proto");
    return `proto.${goCamelCase(goScalar(shape.scalar))}(${value})`;
  }

  #element(shape: Shape): string {
    switch (shape.kind) {
      case "message":
        return `*${this.type(shape.desc)}`;
      case "special":
      case "wrapper":
        return `*${this.#known(shape.desc)}.${shape.desc.name}`;
      case "choice":
        return this.type(shape.desc);
      default:
        return goScalar(shape.scalar);
    }
  }

  /** Inside a list or map the type of a message is known and left out. */
  #value(shape: Shape, draft: Draft, inside: boolean): string {
    if (draft.kind === "message") {
      if (shape.kind !== "message") return "nil";
      const fields = this.message(shape.desc, draft);
      return inside ? fields : `&${this.type(shape.desc)}${fields}`;
    }
    const text = draft.kind === "text" ? draft.text : String(draft.kind === "flag" && draft.on);
    switch (shape.kind) {
      case "choice":
        return this.#choice(shape.desc, text);
      case "special":
        return this.#special(shape, text);
      case "wrapper": {
        const name = shape.desc.name.replace("Value", "");
        return `${this.#known(shape.desc)}.${name}(${this.#scalar(shape.scalar, text)})`;
      }
      case "scalar":
        return this.#scalar(shape.scalar, text);
      default:
        return "nil";
    }
  }

  #choice(desc: DescEnum, text: string): string {
    const value = enumValue(desc, text);
    if (!value) return `${this.type(desc)}(${text})`;
    // The values of a nested enum are named after the message around it.
    return `${this.type(desc.parent ?? desc)}_${value.name}`;
  }

  #scalar(scalar: ScalarType, text: string): string {
    if (isInteger(scalar)) return integerText(text);
    if (isFloat(scalar)) return this.#float(scalar, text.trim());
    if (scalar === ScalarType.BOOL) return text;
    return scalar === ScalarType.BYTES ? bytesLiteral(text.trim()) : JSON.stringify(text);
  }

  #float(scalar: ScalarType, text: string): string {
    if (/^[+-]?[\d.]/.test(text)) return decimalText(text);
    this.#use("math");
    const value = text === "NaN" ? "math.NaN()" : `math.Inf(${text.startsWith("-") ? -1 : 1})`;
    return scalar === ScalarType.FLOAT ? `float32(${value})` : value;
  }

  #special({ special, desc }: Shape & { kind: "special" }, text: string): string {
    const name = `${this.#known(desc)}`;
    switch (special) {
      case "time":
        return `${name}.New(${this.#instant(text)})`;
      case "duration": {
        const { seconds, nanos } = spanParts(durationText(text) ?? "");
        if (nanos !== 0) return `&${name}.Duration{Seconds: ${seconds}, Nanos: ${nanos}}`;
        this.#use("time");
        return `${name}.New(${seconds} * time.Second)`;
      }
      case "mask": {
        const paths = maskPaths(text).map((path) => JSON.stringify(path));
        return `&${name}.FieldMask{Paths: []string{${paths.join(", ")}}}`;
      }
      default:
        this.fromJsonUsed = true;
        this.#use("google.golang.org/protobuf/proto");
        this.#use("google.golang.org/protobuf/encoding/protojson");
        return `fromJSON(&${name}.${desc.name}{}, ${rawString(text.trim())})`;
    }
  }

  #instant(text: string): string {
    this.#use("time");
    const { seconds, nanos } = instantParts(text);
    const date = new Date(Number(seconds) * 1000);
    const day = `${date.getUTCFullYear()}, time.${months[date.getUTCMonth()]}, ${date.getUTCDate()}`;
    const clock = `${date.getUTCHours()}, ${date.getUTCMinutes()}, ${date.getUTCSeconds()}`;
    return `time.Date(${day}, ${clock}, ${nanos}, time.UTC)`;
  }

  #package(file: DescFile): string {
    const { path, name } = goPackage(file);
    return this.#use(path, name);
  }

  /** The package of a well-known type, by its file: google/protobuf/timestamp is timestamppb. */
  #known(desc: DescMessage): string {
    const name = `${(desc.file.name.split("/").at(-1) ?? "").replaceAll("_", "")}pb`;
    this.#use(known + name);
    return name;
  }

  #use(path: string, name = ""): string {
    this.#packages.set(path, name);
    return name;
  }
}

const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

const goScalars: Partial<Record<ScalarType, string>> = {
  [ScalarType.DOUBLE]: "float64",
  [ScalarType.FLOAT]: "float32",
  [ScalarType.INT64]: "int64",
  [ScalarType.SINT64]: "int64",
  [ScalarType.SFIXED64]: "int64",
  [ScalarType.UINT64]: "uint64",
  [ScalarType.FIXED64]: "uint64",
  [ScalarType.UINT32]: "uint32",
  [ScalarType.FIXED32]: "uint32",
  [ScalarType.BOOL]: "bool",
  [ScalarType.STRING]: "string",
  [ScalarType.BYTES]: "[]byte",
};

function goScalar(scalar: ScalarType): string {
  return goScalars[scalar] ?? "int32";
}

function mapKey(scalar: ScalarType, key: string): string {
  if (isInteger(scalar)) return integerText(key);
  return scalar === ScalarType.BOOL ? key : JSON.stringify(key);
}

function bytesLiteral(text: string): string {
  const bytes = [...base64Decode(text)];
  const isText = bytes.length > 0 && bytes.every((byte) => byte >= 32 && byte < 127);
  if (isText) return `[]byte(${JSON.stringify(String.fromCharCode(...bytes))})`;
  const hex = bytes.map((byte) => `0x${byte.toString(16).padStart(2, "0")}`);
  return `[]byte{${hex.join(", ")}}`;
}

function rawString(text: string): string {
  return text.includes("`") ? JSON.stringify(text) : `\`${text}\``;
}
