import { type KeyboardEvent, useId, useRef, useState } from "react";
import { useSchemas } from "@/schema/queries";
import { Input } from "@/ui/field";
import { Options, optionId } from "@/ui/options";
import styles from "./search-box.module.css";
import { type Meaning, type Reading, readSearch } from "./search-options";

/** Where the shortcut "/" leads. */
export const searchBoxId = "event-search";

interface Props {
  /** The text in the box, which a part of the filter that is edited fills. */
  text: string;
  onText: (text: string) => void;
  /** The types that are searched, and those of the events that are loaded. */
  types: readonly string[];
  seenTypes: () => readonly string[];
  onChoose: (meaning: Exclude<Meaning, { kind: "complete" }>) => void;
  /** Backspace in the empty box. */
  onTakeBack: () => void;
}

/** One box for ids, types, subjects and expressions. The list below says what Enter does, and what else it could mean. */
export function SearchBox({ text, onText, types, seenTypes, onChoose, onTakeBack }: Props) {
  const [isFocused, setFocused] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const [fault, setFault] = useState<string>();
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const listId = `${id}-list`;
  const registered = useSchemas([], isFocused).data;
  const searched = useSchemas(types, isFocused).data;

  const reading = (): Reading => {
    if (!isFocused) return { meanings: [] };
    const names = [...(registered?.types ?? []).map(({ type }) => type), ...seenTypes()];
    const caret = input.current?.selectionStart ?? text.length;
    return readSearch(text, caret, { types: [...new Set(names)], schemas: searched });
  };
  const { meanings, fault: wrong } = reading();
  const shown = isOpen ? meanings : [];

  const choose = (meaning: Meaning | undefined) => {
    setFault(wrong);
    if (!meaning) return;
    if (meaning.kind !== "complete") {
      onChoose(meaning);
      onText("");
      setOpen(false);
      return;
    }
    onText(meaning.text);
    setActive(0);
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(meaning.caret, meaning.caret);
    });
  };
  const complete = () => {
    const word = isOpen && meanings.find(({ kind }) => kind === "complete");
    if (word) choose(word);
    return Boolean(word);
  };
  const count = Math.max(1, meanings.length);
  /** Whether the key was for the box. */
  const take = (key: string): boolean => {
    switch (key) {
      case "ArrowDown":
        setOpen(true);
        if (isOpen) setActive((active + 1) % count);
        return true;
      case "ArrowUp":
        setActive((active + count - 1) % count);
        return true;
      case "Enter":
        if (text.trim() !== "" || isOpen) choose(meanings[active]);
        return true;
      case "Escape":
        setOpen(false);
        return shown.length > 0;
      case "Tab":
        return complete();
      case "Backspace":
        if (text === "") onTakeBack();
        return false;
      default:
        return false;
    }
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (!event.nativeEvent.isComposing && !event.shiftKey && take(event.key)) {
      event.preventDefault();
    }
  };
  return (
    <div className={styles.box}>
      <Input
        id={searchBoxId}
        ref={input}
        mono
        role="combobox"
        aria-label="Search events"
        aria-autocomplete="list"
        aria-expanded={shown.length > 0}
        aria-controls={listId}
        aria-activedescendant={shown.length > 0 ? optionId(listId, active) : undefined}
        aria-describedby={fault && `${id}-fault`}
        aria-invalid={fault !== undefined || undefined}
        placeholder="Search by type, subject, id or CEL"
        value={text}
        onFocus={() => setFocused(true)}
        onBlur={() => {
          setFocused(false);
          setOpen(false);
        }}
        onChange={(event) => {
          onText(event.target.value);
          setFault(undefined);
          setActive(0);
          setOpen(event.target.value !== "");
        }}
        onKeyDown={onKeyDown}
      />
      <Options
        id={listId}
        label="Suggestions"
        options={shown}
        active={active}
        words={wordsOf}
        onChoose={choose}
        className={styles.choices}
      />
      {fault && (
        <p id={`${id}-fault`} className={styles.fault} role="alert">
          {fault}
        </p>
      )}
      <span className="visually-hidden" aria-live="polite">
        {shown.length > 0 && `${shown.length} suggestions, up and down to choose`}
      </span>
    </div>
  );
}

function wordsOf(meaning: Meaning): [text: string, about: string] {
  switch (meaning.kind) {
    case "id":
      return [meaning.id, "Open the event with this id"];
    case "types":
      return [meaning.types.join(", "), "Events of this type"];
    case "subject":
      return [meaning.subject, "Events with this subject"];
    case "expression":
      return [meaning.expression, "Events for which this is true"];
    default:
      return [meaning.label, meaning.about];
  }
}
