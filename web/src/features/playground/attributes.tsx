import { Field, Input } from "@/ui/field";
import styles from "./playground-page.module.css";

interface Props {
  source: string;
  subject: string;
  onChange: (change: { source?: string; subject?: string }) => void;
}

/** What an event says besides its type and payload. */
export function Attributes({ source, subject, onChange }: Props) {
  return (
    <details className={styles.attributes}>
      <summary>Attributes: source, subject</summary>
      <Field label="Source" hint="Where the event happened: a URI reference.">
        {(control) => (
          <Input
            {...control}
            mono
            placeholder="postrider"
            value={source}
            onChange={(event) => onChange({ source: event.target.value })}
          />
        )}
      </Field>
      <Field label="Subject" hint="What the event is about, for example an order's number.">
        {(control) => (
          <Input
            {...control}
            mono
            value={subject}
            onChange={(event) => onChange({ subject: event.target.value })}
          />
        )}
      </Field>
    </details>
  );
}
