import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { SchemaViolation } from "#gen/postrider/v1/event_pb";
import { sentence } from "@/rpc/fault";
import { clsx } from "@/ui/clsx";
import { CopyButton } from "@/ui/copy";
import { dayAndClock } from "@/ui/format/time";
import { pretty } from "@/ui/json/pretty";
import { isContainer, type Node } from "@/ui/json/tree";
import { Ago } from "@/ui/time";
import styles from "./event-data.module.css";
import type { TypedField, TypedValue } from "./typed";

interface Props {
  fields: TypedField[];
  violations: SchemaViolation[];
  /** The payload, to be copied. */
  text: string;
}

/** A payload by the names and types of its schema. */
export function TypedData({ fields, violations, text }: Props) {
  return (
    <figure className={styles.view}>
      <figcaption className={styles.caption}>
        <span>Data</span>
        <CopyButton text={pretty(text)} />
      </figcaption>
      <section className={styles.body} aria-label="Data" tabIndex={0}>
        {fields.length === 0 && <p className={styles.quiet}>No field is set.</p>}
        <Fields fields={fields} violations={violations} />
      </section>
    </figure>
  );
}

interface FieldsProps {
  fields: TypedField[];
  violations: SchemaViolation[];
}

function Fields({ fields, violations }: FieldsProps) {
  return (
    <dl className={styles.fields}>
      {fields.map((field) => (
        <div key={field.path} className={clsx(styles.field, isNested(field.value) && styles.group)}>
          <dt title={field.type || undefined}>
            {field.name}
            {field.isUnknown && <span className={styles.unknown}>not in the schema</span>}
          </dt>
          <dd>
            {isNested(field.value) && <Broken path={field.path} violations={violations} />}
            <Value value={field.value} violations={violations} />
            {!isNested(field.value) && <Broken path={field.path} violations={violations} />}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** What is wrong with a value: above what is in it, below what it is. */
function Broken({ path, violations }: { path: string; violations: SchemaViolation[] }) {
  return violations
    .filter(({ field }) => field === path)
    .map(({ rule, message }) => (
      <p key={`${rule} ${message}`} className={styles.broken}>
        {sentence(message || rule)}
      </p>
    ));
}

function isNested(value: TypedValue): boolean {
  if (value.kind === "fields") return value.fields.length > 0;
  return value.kind === "items" && value.items.length > 0;
}

function Value({ value, violations }: { value: TypedValue; violations: SchemaViolation[] }) {
  switch (value.kind) {
    case "text":
      return (
        <>
          <span className={styles.text}>{value.text === "" ? "(empty)" : value.text}</span>
          {value.raw !== undefined && <code className={styles.raw}>{value.raw}</code>}
        </>
      );
    case "instant":
      return <Moment time={value.time} raw={value.raw} />;
    case "json":
      return <code className={styles.text}>{written(value.node)}</code>;
    case "fields":
      if (value.fields.length === 0) return <span className={styles.quiet}>nothing set</span>;
      return <Fields fields={value.fields} violations={violations} />;
    default:
      if (value.items.length === 0) return <span className={styles.quiet}>none</span>;
      return <Fields fields={value.items} violations={violations} />;
  }
}

function Moment({ time, raw }: { time: Date; raw: string }) {
  const timestamp = timestampFromDate(time);
  return (
    <>
      <time dateTime={raw} title={raw}>
        {dayAndClock(timestamp)}
      </time>
      <span className={styles.raw}>
        <Ago time={timestamp} />
      </span>
    </>
  );
}

/** The node as JSON on one line, lexeme by lexeme. */
function written(node: Node): string {
  if (!isContainer(node)) return node.lexeme;
  const [open, close] = node.kind === "object" ? ["{", "}"] : ["[", "]"];
  const members = node.children.map(({ key, node: value }) =>
    key === undefined ? written(value) : `${key}: ${written(value)}`,
  );
  return `${open}${members.join(", ")}${close}`;
}
