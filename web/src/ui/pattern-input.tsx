import { type KeyboardEvent, useId, useRef, useState } from "react";
import { type ControlProps, Input } from "./field";
import { countText } from "./format/number";
import { type Suggestion, suggestPatterns, wordAt } from "./format/pattern";
import { Options, optionId } from "./options";
import styles from "./pattern-input.module.css";

interface Props {
  control: ControlProps;
  value: string;
  onChange: (value: string) => void;
  /** The names of known types. */
  names: readonly string[];
}

/** Event types and patterns, separated by commas, with suggestions for the one at the caret. */
export function PatternInput({ control, value, onChange, names }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [options, setOptions] = useState<Suggestion[]>([]);
  const [active, setActive] = useState(-1);
  const listId = useId();
  const isOpen = options.length > 0;

  const offer = (text: string, caret: number) => {
    setOptions(suggestPatterns(wordAt(text, caret).word, names));
    setActive(-1);
  };
  const close = () => setOptions([]);
  const choose = ({ pattern }: Suggestion) => {
    const { from, to } = wordAt(value, input.current?.selectionStart ?? value.length);
    onChange(value.slice(0, from) + pattern + value.slice(to));
    close();
    const caret = from + pattern.length;
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(caret, caret);
    });
  };
  const step = (by: 1 | -1) => {
    const from = active === -1 && by === -1 ? 0 : active;
    setActive((from + by + options.length) % options.length);
  };
  /** What a key does now; undefined leaves it to the form. */
  const actionOf = (key: string): (() => void) | undefined => {
    const option = options[active];
    if (key === "ArrowDown" && !isOpen) {
      return () => offer(value, input.current?.selectionStart ?? 0);
    }
    if (key === "Enter") return option && (() => choose(option));
    if (!isOpen) return undefined;
    if (key === "ArrowDown") return () => step(1);
    if (key === "ArrowUp") return () => step(-1);
    return key === "Escape" ? close : undefined;
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    const act = actionOf(event.key);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  return (
    <div className={styles.box}>
      <Input
        {...control}
        ref={input}
        mono
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={isOpen}
        aria-controls={isOpen ? listId : undefined}
        aria-activedescendant={active >= 0 ? optionId(listId, active) : undefined}
        placeholder="*"
        value={value}
        onChange={({ target }) => {
          onChange(target.value);
          offer(target.value, target.selectionStart ?? target.value.length);
        }}
        onKeyDown={onKeyDown}
        onBlur={close}
      />
      {isOpen && (
        <Options
          id={listId}
          label="Known types"
          options={options}
          active={active}
          words={wordsOf}
          onChoose={choose}
        />
      )}
    </div>
  );
}

function wordsOf({ pattern, count }: Suggestion): [text: string, about: string] {
  return [pattern, count > 1 ? `${countText(count)} types` : ""];
}
