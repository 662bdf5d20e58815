import { clsx } from "@/ui/clsx";
import { type Span, spans } from "./span";
import styles from "./span-picker.module.css";

/** How far back to look. */
export function SpanPicker(props: { chosen: Span; onChoose: (span: Span) => void }) {
  const { chosen, onChoose } = props;
  return (
    <fieldset className={styles.spans} aria-label="Span">
      {spans.map((span) => (
        <button
          key={span.name}
          type="button"
          aria-pressed={span === chosen}
          className={clsx(styles.span, span === chosen && styles.chosen)}
          onClick={() => onChoose(span)}
        >
          {span.label}
        </button>
      ))}
    </fieldset>
  );
}
