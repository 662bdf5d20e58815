import { type ReactNode, type RefObject, useEffect, useId, useRef, useState } from "react";
import { clsx } from "./clsx";
import styles from "./menu.module.css";

interface Props {
  /** Read out for the button; without it what the button shows is its name. */
  label?: string;
  button: ReactNode;
  /** Classes of the button and of the sheet, beside those they have. */
  classes?: { button?: string | undefined; sheet?: string };
  /** Given the function that closes the sheet. */
  children: (close: () => void) => ReactNode;
}

/** A button that opens a sheet. Escape closes it and gives the focus back; so do a click and a focus elsewhere. */
export function Menu({ label, button, classes = {}, children }: Props) {
  const [isOpen, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const id = useId();
  useDismissal(isOpen, setOpen, frame, opener);
  return (
    <div ref={frame} className={styles.menu}>
      <button
        ref={opener}
        type="button"
        className={clsx(styles.button, classes.button)}
        aria-label={label}
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      >
        {button}
      </button>
      {isOpen && (
        <div id={id} className={clsx(styles.sheet, classes.sheet)}>
          {children(() => setOpen(false))}
        </div>
      )}
    </div>
  );
}

function useDismissal(
  isOpen: boolean,
  setOpen: (isOpen: boolean) => void,
  frame: RefObject<HTMLElement | null>,
  opener: RefObject<HTMLElement | null>,
): void {
  useEffect(() => {
    if (!isOpen) return;
    const onElsewhere = ({ target }: Event) => {
      if (target instanceof Node && !frame.current?.contains(target)) setOpen(false);
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      // What lies below the menu stays open.
      event.preventDefault();
      setOpen(false);
      opener.current?.focus();
    };
    document.addEventListener("pointerdown", onElsewhere);
    document.addEventListener("focusin", onElsewhere);
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("pointerdown", onElsewhere);
      document.removeEventListener("focusin", onElsewhere);
      document.removeEventListener("keydown", onKey);
    };
  }, [isOpen, setOpen, frame, opener]);
}
