import { useMemo, useState } from "react";
import type { Event, SchemaViolation } from "#gen/postrider/v1/event_pb";
import { sentence } from "@/rpc/fault";
import { useSchema } from "@/schema/queries";
import { Button } from "@/ui/button";
import { JsonView } from "@/ui/json/json-view";
import { readTree } from "@/ui/json/tree";
import { Notice, Skeleton } from "@/ui/states";
import styles from "./event-data.module.css";
import { readTyped } from "./typed";
import { TypedData } from "./typed-data";

/** The payload's JSON, whichever way it is carried. */
export function payloadText({ payload }: Event): string {
  return payload.case === "jsonData" || payload.case === "invalidData" ? payload.value : "";
}

/** The payload: by its schema as people read it, or as the JSON it is. */
export function EventData({ event }: { event: Event }) {
  const [raw, setRaw] = useState(false);
  const isTyped = event.schemaVersion > 0;
  const schema = useSchema(isTyped ? event.type : undefined, event.schemaVersion);
  const text = payloadText(event);
  const desc = schema.data?.messageOf(event.type);
  const fields = useMemo(() => {
    const node = desc && readTree(text);
    return desc && node?.kind === "object" ? readTyped(desc, node) : undefined;
  }, [desc, text]);
  if (isTyped && schema.isPending) return <Skeleton rows={6} label="Loading the schema" />;
  return (
    <>
      {event.violations.length > 0 && <Violations violations={event.violations} />}
      {fields && (
        <fieldset className={styles.choice}>
          <legend className="visually-hidden">How the data is shown</legend>
          <Button aria-pressed={!raw} onClick={() => setRaw(false)}>
            Fields
          </Button>
          <Button aria-pressed={raw} onClick={() => setRaw(true)}>
            JSON
          </Button>
        </fieldset>
      )}
      {fields && !raw ? (
        <TypedData fields={fields} violations={event.violations} text={text} />
      ) : (
        <JsonView text={text} label="Data" />
      )}
    </>
  );
}

function Violations({ violations }: { violations: SchemaViolation[] }) {
  return (
    <Notice tone="warn">
      <p>It violates its schema, and was accepted because the schema was not enforced.</p>
      <ul className={styles.violations}>
        {violations.map(({ field, rule, message }) => (
          <li key={`${field} ${rule} ${message}`}>
            <code>{field}</code> {sentence(message || rule)}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
