import { ScalarType } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ComponentProps } from "react";
import { enumLabel, enumValue } from "@/schema/label";
import { Button } from "@/ui/button";
import { type ControlProps, Input, Select, TextArea } from "@/ui/field";
import { dayAndClock } from "@/ui/format/time";
import type { Draft } from "./draft";
import { valueFault } from "./faults";
import styles from "./message-form.module.css";
import { isFloat, isInteger } from "./scalar";
import { isFlag, type Shape, type Special } from "./shape";
import { durationText } from "./special";

interface Props {
  control: ControlProps;
  shape: Shape;
  draft: Draft | undefined;
  onChange: (draft: Draft) => void;
}

/** The control for one value. */
export function ValueControl({ control, shape, draft, onChange }: Props) {
  if (isFlag(shape)) {
    const on = draft?.kind === "flag" && draft.on;
    return (
      <span className={styles.flag}>
        <input
          {...control}
          type="checkbox"
          checked={on}
          onChange={(event) => onChange({ kind: "flag", on: event.target.checked })}
        />
        <code aria-hidden="true">{String(on)}</code>
      </span>
    );
  }
  const text = draft?.kind === "text" ? draft.text : "";
  const set = (next: string) => onChange({ kind: "text", text: next });
  if (shape.kind === "choice") {
    return <Choice control={control} shape={shape} text={text} onText={set} />;
  }
  if (shape.kind === "special") {
    return <SpecialControl control={control} special={shape.special} text={text} onText={set} />;
  }
  const isNumber = shape.kind !== "message" && (isInteger(shape.scalar) || isFloat(shape.scalar));
  const isLongText =
    shape.kind !== "message" &&
    shape.scalar === ScalarType.STRING &&
    (text.length > 80 || text.includes("\n"));
  const more = { ...control, value: text, placeholder: emptyText(shape) };
  if (isLongText) {
    return <TextArea {...more} rows={3} onChange={(event) => set(event.target.value)} />;
  }
  return (
    <Input
      {...more}
      mono={isNumber || (shape.kind !== "message" && shape.scalar === ScalarType.BYTES)}
      inputMode={inputMode(shape)}
      onChange={(event) => set(event.target.value)}
    />
  );
}

interface TextProps {
  control: ControlProps;
  text: string;
  onText: (text: string) => void;
}

function Choice({
  control,
  shape,
  text,
  onText,
}: TextProps & { shape: Shape & { kind: "choice" } }) {
  const { values } = shape.desc;
  const chosen = enumValue(shape.desc, text);
  // Nothing typed is the first value, which has number 0 where the field cannot be absent.
  const shown = text === "" ? values[0]?.name : (chosen?.name ?? text);
  return (
    <Select {...control} value={shown} onChange={(event) => onText(event.target.value)}>
      {text !== "" && !chosen && <option value={text}>{text}, unknown to the schema</option>}
      {values.map((value) => (
        <option key={value.name} value={value.name}>
          {enumLabel(value)} ({value.name})
        </option>
      ))}
    </Select>
  );
}

function SpecialControl({ control, special, text, onText }: TextProps & { special: Special }) {
  switch (special) {
    case "time":
      return (
        <div className={styles.value}>
          <Input
            {...control}
            mono
            placeholder="2026-01-31T09:00:00Z"
            value={text}
            onChange={(event) => onText(event.target.value)}
          />
          <Button kind="quiet" onClick={() => onText(new Date().toISOString())}>
            Now
          </Button>
        </div>
      );
    case "duration":
    case "mask":
      return (
        <Input
          {...control}
          mono
          placeholder={special === "mask" ? "total,shipTo.city" : "90s"}
          value={text}
          onChange={(event) => onText(event.target.value)}
        />
      );
    default:
      return (
        <TextArea
          {...control}
          rows={Math.min(12, text.split("\n").length + 1)}
          spellCheck={false}
          placeholder={special === "any" ? '{"@type": "…"}' : "JSON"}
          value={text}
          onChange={(event) => onText(event.target.value)}
        />
      );
  }
}

function inputMode(shape: Shape): ComponentProps<"input">["inputMode"] {
  if (shape.kind !== "scalar" && shape.kind !== "wrapper") return undefined;
  if (isInteger(shape.scalar)) return "numeric";
  return isFloat(shape.scalar) ? "decimal" : undefined;
}

/** The placeholder of an empty control: the default value. */
export function emptyText(shape: Shape): string {
  if (shape.kind !== "scalar" && shape.kind !== "wrapper") return "";
  if (isInteger(shape.scalar) || isFloat(shape.scalar)) return "0";
  return shape.scalar === ScalarType.BYTES ? "Base64" : "";
}

/** How a person reads what was typed, where that is something else. */
export function controlHint(shape: Shape, draft: Draft | undefined): string | undefined {
  if (draft?.kind !== "text" || valueFault(shape, draft.text) !== undefined) return undefined;
  const text = draft.text.trim();
  if (shape.kind === "special" && shape.special === "time") {
    return `${dayAndClock(timestampFromMs(Date.parse(text)))} local time.`;
  }
  if (shape.kind === "special" && shape.special === "duration") {
    const written = durationText(text);
    return written === text ? undefined : `Sent as ${written}.`;
  }
  const isBytes =
    (shape.kind === "scalar" || shape.kind === "wrapper") && shape.scalar === ScalarType.BYTES;
  if (!isBytes || text === "") return undefined;
  return `${Math.floor((text.replace(/=+$/, "").length * 3) / 4)} bytes.`;
}
