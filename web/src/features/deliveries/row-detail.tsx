import { type ReactNode, useEffect, useRef } from "react";

interface Props {
  /** The data-row of the row that opens it. */
  row: string;
  label: string;
  onClose: () => void;
  className?: string;
  children: ReactNode;
}

const rowOf = (id: string) => document.querySelector<HTMLElement>(`[data-row="${CSS.escape(id)}"]`);

/** What a row opens to. It takes the focus from the row; Escape closes it and gives the focus back. */
export function RowDetail({ row, label, onClose, className, children }: Props) {
  const element = useRef<HTMLElement>(null);
  const holdsFocus = useRef(false);
  useEffect(() => {
    // One that a URL opened leaves the focus where the page has it.
    const opener = rowOf(row);
    if (opener && opener === document.activeElement) element.current?.focus();
  }, [row]);
  useEffect(() => {
    // The button that had it may be gone, such as "Retry now" after the delivery.
    if (holdsFocus.current && document.activeElement === document.body) element.current?.focus();
  });
  return (
    <section
      ref={element}
      aria-label={label}
      tabIndex={-1}
      className={className}
      onFocus={() => {
        holdsFocus.current = true;
      }}
      onBlur={() => {
        holdsFocus.current = false;
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.preventDefault();
        rowOf(row)?.focus();
        onClose();
      }}
    >
      {children}
    </section>
  );
}
