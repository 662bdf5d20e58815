import type { DescField } from "@bufbuild/protobuf";
import { Button, IconButton } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import {
  type Draft,
  emptyElement,
  emptyField,
  keyShape,
  type ListDraft,
  type MapDraft,
  withItem,
} from "./draft";
import { entryPath } from "./faults";
import { FieldHint, FieldName, GroupFaults, MessageForm, useFieldHint } from "./message-form";
import styles from "./message-form.module.css";
import { fieldShape, isOptional, type Shape } from "./shape";
import { typeName } from "./type-name";
import { controlHint, emptyText, ValueControl } from "./value-control";

interface Props {
  field: DescField;
  draft: Draft | undefined;
  path: string;
  onChange: (draft: Draft | undefined) => void;
}

/** The form of one field: a value, a list, a map or a message in the message. */
export function FieldForm({ field, draft, path, onChange }: Props) {
  const shape = fieldShape(field);
  if (field.fieldKind === "list") {
    return <ListForm field={field} draft={asList(draft)} path={path} onChange={onChange} />;
  }
  if (field.fieldKind === "map") {
    return <MapForm field={field} draft={asMap(draft)} path={path} onChange={onChange} />;
  }
  if (draft === undefined && isOptional(field)) {
    return <Unset field={field} path={path} onSet={() => onChange(emptyField(field))} />;
  }
  const removable = isOptional(field) && !field.oneof;
  const remove = removable ? () => onChange(undefined) : undefined;
  if (shape.kind === "message") {
    return (
      <Group field={field} path={path} onRemove={remove}>
        <ElementForm shape={shape} draft={draft} path={path} onChange={onChange} />
      </Group>
    );
  }
  return (
    <ValueForm
      field={field}
      shape={shape}
      draft={draft}
      path={path}
      onRemove={remove}
      onChange={onChange}
    />
  );
}

function ValueForm(props: Props & { shape: Shape; onRemove: (() => void) | undefined }) {
  const { field, shape, draft, path, onRemove, onChange } = props;
  const about = useFieldHint(field);
  const extra = controlHint(shape, draft);
  return (
    <Field
      label={<FieldName field={field} type={typeName(field)} />}
      path={path}
      hint={
        (about || extra) && (
          <>
            {about}
            {extra && <span className={styles.reading}>{extra}</span>}
          </>
        )
      }
    >
      {(control) => (
        <div className={styles.value}>
          <ValueControl control={control} shape={shape} draft={draft} onChange={onChange} />
          {onRemove && <IconButton icon="close" label={`Unset ${field.name}`} onClick={onRemove} />}
        </div>
      )}
    </Field>
  );
}

/** A field that is absent, and the way to set it. */
function Unset({ field, path, onSet }: { field: DescField; path: string; onSet: () => void }) {
  return (
    <div className={styles.unset}>
      <div className={styles.unsetHead}>
        <span className={styles.name}>
          <FieldName field={field} type={typeName(field)} />
        </span>
        <Button kind="quiet" icon="plus" aria-label={`Set ${path}`} onClick={onSet}>
          Set
        </Button>
      </div>
      <GroupFaults path={path} />
      <FieldHint field={field} />
    </div>
  );
}

function Group(props: {
  field: DescField;
  path: string;
  onRemove?: (() => void) | undefined;
  children: React.ReactNode;
}) {
  const { field, path, onRemove, children } = props;
  return (
    <fieldset className={styles.group}>
      <legend className={styles.name}>
        <FieldName field={field} type={typeName(field)} />
      </legend>
      {onRemove && (
        <span className={styles.remove}>
          <IconButton icon="close" label={`Unset ${path}`} onClick={onRemove} />
        </span>
      )}
      <FieldHint field={field} />
      <GroupFaults path={path} />
      {children}
    </fieldset>
  );
}

/** One value of a list, a map or a group: a message's fields or a bare control. */
function ElementForm(props: {
  shape: Shape;
  draft: Draft | undefined;
  path: string;
  label?: string;
  onChange: (draft: Draft) => void;
}) {
  const { shape, draft, path, label, onChange } = props;
  if (shape.kind === "message") {
    const message = draft?.kind === "message" ? draft : { kind: "message" as const, fields: {} };
    return <MessageForm desc={shape.desc} draft={message} path={path} onChange={onChange} />;
  }
  const extra = controlHint(shape, draft);
  return (
    <Field
      label={<span className="visually-hidden">{label}</span>}
      path={path}
      hint={extra && <span className={styles.reading}>{extra}</span>}
    >
      {(control) => (
        <ValueControl control={control} shape={shape} draft={draft} onChange={onChange} />
      )}
    </Field>
  );
}

function ListForm(props: Omit<Props, "draft"> & { draft: ListDraft }) {
  const { field, draft, path, onChange } = props;
  const shape = fieldShape(field);
  const { items } = draft;
  const replace = (id: number, value: Draft) =>
    onChange({ kind: "list", items: items.map((item) => (item.id === id ? { id, value } : item)) });
  return (
    <Group field={field} path={path}>
      <ol className={styles.items}>
        {items.map(({ id, value }, index) => (
          <li key={id} className={styles.item}>
            <span className={styles.index}>{index}</span>
            <div className={styles.element}>
              {shape.kind === "message" && <GroupFaults path={`${path}[${index}]`} />}
              <ElementForm
                shape={shape}
                draft={value}
                path={`${path}[${index}]`}
                label={`${path}[${index}]`}
                onChange={(next) => replace(id, next)}
              />
            </div>
            <IconButton
              icon="trash"
              label={`Remove ${path}[${index}]`}
              onClick={() =>
                onChange({ kind: "list", items: items.filter((item) => item.id !== id) })
              }
            />
          </li>
        ))}
      </ol>
      <div>
        <Button
          icon="plus"
          aria-label={`Add to ${path}`}
          onClick={() =>
            onChange({ kind: "list", items: withItem(items, { value: emptyElement(shape) }) })
          }
        >
          Add
        </Button>
      </div>
    </Group>
  );
}

function MapForm(props: Omit<Props, "draft"> & { draft: MapDraft }) {
  const { field, draft, path, onChange } = props;
  const shape = fieldShape(field);
  const { entries } = draft;
  const change = (id: number, part: { key?: string; value?: Draft }) =>
    onChange({
      kind: "map",
      entries: entries.map((entry) => (entry.id === id ? { ...entry, ...part } : entry)),
    });
  return (
    <Group field={field} path={path}>
      {entries.map(({ id, key, value }, index) => (
        <div key={id} className={styles.entry}>
          <Field
            label={<span className="visually-hidden">{`Key ${index + 1} of ${path}`}</span>}
            path={shape.kind === "message" ? entryPath(path, field, key) : undefined}
          >
            {(control) => (
              <Input
                {...control}
                mono
                placeholder={emptyText(keyShape(field)) || "key"}
                value={key}
                onChange={(event) => change(id, { key: event.target.value })}
              />
            )}
          </Field>
          <ElementForm
            shape={shape}
            draft={value}
            path={entryPath(path, field, key)}
            label={`Value ${index + 1} of ${path}`}
            onChange={(next) => change(id, { value: next })}
          />
          <IconButton
            icon="trash"
            label={`Remove entry ${index + 1} of ${path}`}
            onClick={() =>
              onChange({ kind: "map", entries: entries.filter((entry) => entry.id !== id) })
            }
          />
        </div>
      ))}
      <div>
        <Button
          icon="plus"
          aria-label={`Add to ${path}`}
          onClick={() =>
            onChange({
              kind: "map",
              entries: withItem(entries, { key: "", value: emptyElement(shape) }),
            })
          }
        >
          Add
        </Button>
      </div>
    </Group>
  );
}

function asList(draft: Draft | undefined): ListDraft {
  return draft?.kind === "list" ? draft : { kind: "list", items: [] };
}

function asMap(draft: Draft | undefined): MapDraft {
  return draft?.kind === "map" ? draft : { kind: "map", entries: [] };
}
