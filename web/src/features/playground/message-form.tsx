import type { DescField, DescMessage, DescOneof } from "@bufbuild/protobuf";
import type { ReactNode } from "react";
import { sentence } from "@/rpc/fault";
import { clsx } from "@/ui/clsx";
import { Field, Select, useFieldFaults } from "@/ui/field";
import { useDocumentation } from "./documentation";
import {
  type Draft,
  emptyField,
  isRequired,
  isRequiredOneof,
  type MessageDraft,
  withField,
} from "./draft";
import { fieldPath } from "./faults";
import { FieldForm } from "./field-form";
import styles from "./message-form.module.css";

interface Props {
  desc: DescMessage;
  draft: MessageDraft;
  /** Where the message is in the payload; empty at the top. */
  path: string;
  onChange: (draft: MessageDraft) => void;
}

/** A form for every field of a message, in the schema's order. */
export function MessageForm({ desc, draft, path, onChange }: Props) {
  if (desc.fields.length === 0) return <p className={styles.none}>It has no fields.</p>;
  const set = (field: DescField, value: Draft | undefined) =>
    onChange(withField(draft, field, value));
  return (
    <div className={clsx(styles.message, path !== "" && styles.nested)}>
      {desc.members.map((member) =>
        member.kind === "oneof" ? (
          <OneofForm key={member.name} oneof={member} draft={draft} path={path} onSet={set} />
        ) : (
          <FieldForm
            key={member.name}
            field={member}
            draft={draft.fields[member.name]}
            path={fieldPath(path, member)}
            onChange={(value) => set(member, value)}
          />
        ),
      )}
    </div>
  );
}

interface OneofProps {
  oneof: DescOneof;
  draft: MessageDraft;
  path: string;
  onSet: (field: DescField, value: Draft | undefined) => void;
}

/** One choice among several fields, and the form of the one that is chosen. */
function OneofForm({ oneof, draft, path, onSet }: OneofProps) {
  const at = path === "" ? oneof.name : `${path}.${oneof.name}`;
  const chosen = oneof.fields.find(({ name }) => name in draft.fields);
  const choose = (name: string) => {
    const field = oneof.fields.find((other) => other.name === name);
    if (field) onSet(field, emptyField(field));
    else if (chosen) onSet(chosen, undefined);
  };
  return (
    <fieldset className={styles.oneof}>
      <legend className="visually-hidden">{oneof.name}</legend>
      <Field
        label={
          <>
            <code>{oneof.name}</code> <span className={styles.type}>one of</span>
            {isRequiredOneof(oneof) && <Required />}
          </>
        }
        path={at}
      >
        {(control) => (
          <Select
            {...control}
            value={chosen?.name ?? ""}
            onChange={(event) => choose(event.target.value)}
          >
            <option value="">none</option>
            {oneof.fields.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {chosen && (
        <FieldForm
          field={chosen}
          draft={draft.fields[chosen.name]}
          path={fieldPath(path, chosen)}
          onChange={(value) => onSet(chosen, value)}
        />
      )}
    </fieldset>
  );
}

export function Required() {
  return <span className={styles.required}>required</span>;
}

/** The label of a field: its name, its type, and whether it is required. */
export function FieldName({ field, type }: { field: DescField; type: string }) {
  return (
    <>
      <code>{field.name}</code> <span className={styles.type}>{type}</span>
      {isRequired(field) && <Required />}
      {field.proto.options?.deprecated && <span className={styles.deprecated}>deprecated</span>}
    </>
  );
}

/** What the schema says of a field, for people: its comment and its rules; undefined when that is nothing. */
export function useFieldHint(field: DescField): ReactNode {
  const { comment, rules } = useDocumentation(field);
  if (comment === "" && rules.length === 0) return undefined;
  return (
    <>
      {comment}
      {comment !== "" && rules.length > 0 && " "}
      {rules.length > 0 && <span className={styles.rules}>{sentence(rules.join("; "))}</span>}
    </>
  );
}

/** The hint of a field whose label is a group's. */
export function FieldHint({ field }: { field: DescField }) {
  const hint = useFieldHint(field);
  return hint ? <p className={styles.hint}>{hint}</p> : null;
}

/** The faults of a group of fields itself, not of those in it. */
export function GroupFaults({ path }: { path: string }) {
  const faults = useFieldFaults(path).filter((fault) => fault.path === path);
  if (faults.length === 0) return null;
  return <p className={styles.fault}>{faults.map(({ message }) => message).join(" ")}</p>;
}
