import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { type DraftFormat, useDraft } from "@/rpc/draft";
import { readFault } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";
import { isLike } from "@/store/drafts";
import { Button } from "@/ui/button";
import { Field, LiveFaults, TextArea } from "@/ui/field";
import { ArrivalList } from "./arrival-list";
import { Attributes } from "./attributes";
import { CodePanel } from "./code-panel";
import styles from "./playground-page.module.css";
import { usePublish } from "./queries";
import { Refusal } from "./refusal";

/** What is typed for an event without a schema. */
interface Content {
  data: string;
  source: string;
  subject: string;
}

const begun: Content = { data: '{\n  "orderId": "42"\n}', source: "", subject: "" };

const format: DraftFormat<Content> = {
  write: (content) => content,
  read: (kept) => (isLike(begun, kept) ? kept : undefined),
};

interface Props {
  type: string;
  /** The type has a schema, of which no form can be made. */
  hasSchema?: boolean;
}

/** An event that is written as JSON: its type has no schema, or one without a form. */
export function UntypedWorkbench({ type, hasSchema = false }: Props) {
  const { tenant } = useAccess();
  const content = useDraft(`playground untyped ${type}`, begun, format);
  const { data, source, subject } = content.value;
  const [isChecked, setChecked] = useState(false);
  const publish = usePublish();
  const refusal = publish.error ? readFault(publish.error) : undefined;
  const fault = objectFault(data);
  const change = (part: Partial<Content>) => {
    content.set({ ...content.value, ...part });
    // What the server said was of the event before.
    if (publish.isError) publish.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (fault) return;
    const payload = { case: "jsonData" as const, value: data };
    publish.mutate({ tenant, event: { type, source, subject, payload } });
  };
  return (
    <div className={styles.columns}>
      <form className={styles.form} onSubmit={submit} noValidate aria-label="Event">
        <p className={styles.quiet}>
          {hasSchema ? <NoForm type={type} /> : <NoSchema type={type} />}
        </p>
        <LiveFaults
          faults={fault && (isChecked || data !== "") ? [{ path: "data", message: fault }] : []}
        >
          <Field label="Data" path="data" hint="A JSON object.">
            {(control) => (
              <TextArea
                {...control}
                rows={12}
                spellCheck={false}
                value={data}
                onChange={(event) => change({ data: event.target.value })}
              />
            )}
          </Field>
        </LiveFaults>
        <Attributes source={source} subject={subject} onChange={change} />
        <div className={styles.publish}>
          {refusal && <Refusal fault={refusal} />}
          <Button kind="main" type="submit" busy={publish.isPending}>
            Publish
          </Button>
        </div>
      </form>
      <div className={styles.side}>
        <ArrivalList type={type} published={publish.data} />
        <CodePanel event={{ type, source, subject, data }} />
      </div>
    </div>
  );
}

function NoSchema({ type }: { type: string }) {
  return (
    <>
      No schema is registered for <code>{type}</code>: its payload is any JSON object.{" "}
      <Link to="/event-types" search={({ tenant }) => ({ tenant })}>
        How to register one
      </Link>
    </>
  );
}

function NoForm({ type }: { type: string }) {
  return (
    <>
      The message of <code>{type}</code> has no fields that a form can show. Write it as JSON.
    </>
  );
}

/** Why a text is no payload; undefined if it is one. */
function objectFault(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? undefined : "The payload must be a JSON object: {…}.";
  } catch (error) {
    return `This is not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
}
