import { type KeyboardEvent, useId, useLayoutEffect, useRef, useState } from "react";
import type { FilterProblem } from "#gen/postrider/v1/subscription_pb";
import { type Completion, complete, isInviting, type Option } from "@/schema/completion";
import { useSchemas } from "@/schema/queries";
import { clsx } from "@/ui/clsx";
import type { ControlProps } from "@/ui/field";
import { Options, optionId } from "@/ui/options";
import styles from "./filter-editor.module.css";
import { problemRange } from "./problems";

interface Props {
  control: ControlProps;
  value: string;
  onChange: (value: string) => void;
  /** The patterns of the filter: which schemas `event.data` may have. */
  types: readonly string[];
  problems: readonly FilterProblem[];
}

/** The keys that the list of suggestions takes for itself while it is open. */
const moves = ["ArrowDown", "ArrowUp", "Enter", "Tab", "Escape"];

/** An expression, completed while it is typed, with what is wrong underlined. */
export function FilterEditor({ control, value, onChange, types, problems }: Props) {
  const schemas = useSchemas(types).data;
  const area = useRef<HTMLTextAreaElement>(null);
  const [open, setOpen] = useState<Completion>();
  const [active, setActive] = useState(0);
  const listId = useId();

  const offer = (text: string, caret: number, asked: boolean) => {
    setOpen(asked || isInviting(text, caret) ? complete(text, caret, schemas) : undefined);
    setActive(0);
  };
  const choose = (option: Option) => {
    const caret = area.current?.selectionStart ?? value.length;
    if (!open) return;
    const at = option.insert.indexOf("|");
    const inserted = option.insert.replace("|", "");
    onChange(value.slice(0, open.from) + inserted + value.slice(caret));
    setOpen(undefined);
    const next = open.from + (at === -1 ? inserted.length : at);
    requestAnimationFrame(() => {
      area.current?.focus();
      area.current?.setSelectionRange(next, next);
    });
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      offer(value, event.currentTarget.selectionStart, true);
      return;
    }
    if (!open || event.shiftKey || !moves.includes(event.key)) return;
    event.preventDefault();
    const { options } = open;
    const option = options[active];
    if (event.key === "ArrowDown") setActive((active + 1) % options.length);
    else if (event.key === "ArrowUp") setActive((active + options.length - 1) % options.length);
    else if (event.key === "Escape" || !option) setOpen(undefined);
    else choose(option);
  };
  return (
    <div className={styles.editor}>
      <Mirror text={value} problems={problems} />
      <textarea
        {...control}
        ref={area}
        className={styles.area}
        rows={1}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        placeholder="event.data.total.minor_units > 10000"
        aria-autocomplete="list"
        aria-controls={open && listId}
        aria-activedescendant={open && optionId(listId, active)}
        value={value}
        onChange={(event) => {
          onChange(event.target.value);
          offer(event.target.value, event.target.selectionStart, false);
        }}
        onKeyDown={onKeyDown}
        onClick={() => setOpen(undefined)}
        onBlur={() => setOpen(undefined)}
      />
      {open && (
        <Completions id={listId} text={value} completion={open} active={active} onChoose={choose} />
      )}
      <span className="visually-hidden" aria-live="polite">
        {open && `${open.options.length} suggestions, up and down to choose`}
      </span>
    </div>
  );
}

/** The text once more behind the field, which gives it its height and carries the underlines. */
function Mirror({ text, problems }: { text: string; problems: readonly FilterProblem[] }) {
  const ranges = problems
    .map(({ type, ...at }) => ({ ...problemRange(text, at), isPartial: type !== "" }))
    .sort((a, b) => a.from - b.from);
  const parts: React.ReactNode[] = [];
  let done = 0;
  for (const { from, to, isPartial } of ranges) {
    if (from < done || from === to) continue;
    parts.push(text.slice(done, from));
    parts.push(
      <span data-verbatim key={from} className={clsx(styles.wrong, isPartial && styles.partial)}>
        {text.slice(from, to)}
      </span>,
    );
    done = to;
  }
  return (
    <pre data-verbatim className={styles.mirror} aria-hidden="true">
      {parts}
      {text.slice(done)}
      {"\n"}
    </pre>
  );
}

interface CompletionsProps {
  id: string;
  text: string;
  completion: Completion;
  active: number;
  onChoose: (option: Option) => void;
}

const wordsOf = ({ label, about }: Option) => [label, about] as const;

/** The list below the word that is completed. */
function Completions({ id, text, completion, active, onChoose }: CompletionsProps) {
  const anchor = useRef<HTMLSpanElement>(null);
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!anchor.current || !list.current) return;
    const box = list.current.parentElement?.clientWidth ?? 0;
    const left = Math.min(anchor.current.offsetLeft, box - list.current.offsetWidth);
    list.current.style.left = `${Math.max(0, left)}px`;
    list.current.style.top = `${anchor.current.offsetTop + anchor.current.offsetHeight + 4}px`;
  });
  return (
    <>
      <pre data-verbatim className={clsx(styles.mirror, styles.ghost)} aria-hidden="true">
        {text.slice(0, completion.from)}
        <span data-verbatim ref={anchor}>
          {"\u200b"}
        </span>
      </pre>
      <Options
        ref={list}
        id={id}
        label="Suggestions"
        options={completion.options}
        active={active}
        words={wordsOf}
        onChoose={onChoose}
      />
    </>
  );
}
