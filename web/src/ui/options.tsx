import { type Ref, useImperativeHandle, useLayoutEffect, useRef } from "react";
import { clsx } from "./clsx";
import styles from "./options.module.css";

interface Props<Option> {
  /** Of the list. An option has it with its index, for the aria-activedescendant of the field: optionId. */
  id: string;
  label: string;
  options: readonly Option[];
  /** The index of the option that Enter takes; -1 for none. */
  active: number;
  /** The words of an option, by which it is also known, and what is said beside them. */
  words: (option: Option) => readonly [text: string, about: string];
  onChoose: (option: Option) => void;
  className?: string | undefined;
  ref?: Ref<HTMLDivElement>;
}

export function optionId(listId: string, index: number): string {
  return `${listId}-${index}`;
}

/** What is offered below a field of role combobox, which keeps the focus and handles the keys. */
export function Options<Option>(props: Props<Option>) {
  const { id, label, options, active, words, onChoose, className, ref } = props;
  const list = useRef<HTMLDivElement>(null);
  useImperativeHandle<HTMLDivElement | null, HTMLDivElement | null>(ref, () => list.current);
  useLayoutEffect(() => {
    list.current?.children[active]?.scrollIntoView?.({ block: "nearest" });
  }, [active]);
  return (
    <div
      ref={list}
      id={id}
      role="listbox"
      aria-label={label}
      className={clsx(styles.options, className)}
      hidden={options.length === 0}
    >
      {options.map((option, index) => {
        const [text, about] = words(option);
        return (
          <div
            key={`${about} ${text}`}
            id={optionId(id, index)}
            role="option"
            aria-selected={index === active}
            className={styles.option}
            // Before the field loses the focus.
            onPointerDown={(event) => {
              event.preventDefault();
              onChoose(option);
            }}
          >
            <code>{text}</code>
            {about && <span className={styles.about}>{about}</span>}
          </div>
        );
      })}
    </div>
  );
}
