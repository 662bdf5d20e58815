import type { DescMessage } from "@bufbuild/protobuf";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useDeferredValue, useMemo, useRef, useState } from "react";
import { EnforcementLevel, type GetEventTypeResponse } from "#gen/postrider/v1/event_type_pb";
import { useDraft } from "@/rpc/draft";
import { type Fault, type FieldFault, readFault } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";
import type { Schemas } from "@/schema/schemas";
import { Button } from "@/ui/button";
import { covers, LiveFaults } from "@/ui/field";
import { Notice } from "@/ui/states";
import { ArrivalList } from "./arrival-list";
import { Attributes } from "./attributes";
import { CodePanel } from "./code-panel";
import { DocumentationContext, documentationsOf } from "./documentation";
import { emptyMessage, type MessageDraft } from "./draft";
import { type Content, formDraft } from "./form-draft";
import { messageJson } from "./json";
import { JsonDialog } from "./json-dialog";
import { MessageForm } from "./message-form";
import styles from "./playground-page.module.css";
import { usePublish } from "./queries";
import { Refusal } from "./refusal";
import { checkDraft } from "./rules";
import { schemaPath } from "./server-path";
import { typedCode } from "./typed-code";

interface Props {
  type: string;
  schemas: Schemas;
  desc: DescMessage;
  about: GetEventTypeResponse;
  /** What the form begins with. */
  initial: MessageDraft;
  /** It begins with the example of the documentation, not empty. */
  isExample: boolean;
}

/** The form on one side; what it makes, and what became of it, on the other. */
export function Workbench({ type, schemas, desc, about, initial, isExample }: Props) {
  const { tenant } = useAccess();
  const begun = { message: initial, source: "", subject: "" };
  const content = useDraft(`playground ${type}`, begun, formDraft(desc));
  const { message: draft, source, subject } = content.value;
  const change = (part: Partial<Content>) => content.set({ ...content.value, ...part });
  const [dialog, setDialog] = useState(false);
  // An empty form is not full of mistakes before anybody has touched it.
  const [touched, setTouched] = useState(isExample || content.isRestored);
  const form = useRef<HTMLFormElement>(null);
  const publish = usePublish();
  const refusal = publish.error ? readFault(publish.error) : undefined;
  const documentation = useMemo(() => documentationsOf(about.documentation), [about]);
  const typed = useDeferredValue(draft);
  const check = useMemo(() => checkDraft(schemas, desc, typed), [schemas, desc, typed]);
  const data = useMemo(() => messageJson(desc, typed, "keep"), [desc, typed]);

  const edit = (next: MessageDraft) => {
    change({ message: next });
    setTouched(true);
    // What the server said was of the payload before.
    if (publish.isError) publish.reset();
  };
  const send = () => {
    const value = messageJson(desc, draft, "keep");
    const event = { type, source, subject, payload: { case: "jsonData" as const, value } };
    publish.mutate({ tenant, event });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTouched(true);
    if (checkDraft(schemas, desc, draft).faults.length === 0) send();
    else requestAnimationFrame(() => focusFault(form.current));
  };
  const faults = [...(touched ? check.faults : []), ...serverFaults(desc, refusal, check.faults)];
  return (
    <div className={styles.columns}>
      <form ref={form} className={styles.form} onSubmit={submit} noValidate aria-label="Event">
        <div className={styles.bar}>
          <Link
            to="/event-types/$name"
            params={{ name: type }}
            search={({ tenant: kept }) => ({ tenant: kept })}
          >
            Documentation
          </Link>
          <span className={styles.tools}>
            <Button kind="quiet" onClick={() => edit(emptyMessage(desc))}>
              Empty
            </Button>
            {isExample && (
              <Button kind="quiet" onClick={() => edit(initial)}>
                Example
              </Button>
            )}
            <Button kind="quiet" onClick={() => setDialog(true)}>
              From JSON
            </Button>
          </span>
        </div>
        <LiveFaults faults={faults}>
          <WholeFaults faults={faults} />
          <DocumentationContext value={documentation}>
            <MessageForm desc={desc} draft={draft} path="" onChange={edit} />
          </DocumentationContext>
        </LiveFaults>
        <Attributes source={source} subject={subject} onChange={change} />
        <div className={styles.publish}>
          {refusal && <Refusal fault={refusal} />}
          <Verdict count={check.faults.length} failure={check.failure} touched={touched} />
          {touched && check.faults.length > 0 && (
            <Button busy={publish.isPending} title={anywayHint(about)} onClick={send}>
              Publish anyway
            </Button>
          )}
          <Button kind="main" type="submit" busy={publish.isPending}>
            Publish
          </Button>
        </div>
      </form>
      <div className={styles.side}>
        <ArrivalList type={type} published={publish.data} />
        <CodePanel panels={typedCode(desc, typed)} event={{ type, source, subject, data }} />
      </div>
      {dialog && (
        <JsonDialog
          desc={desc}
          data={data}
          onFill={(filled) => {
            edit(filled);
            setDialog(false);
          }}
          onClose={() => setDialog(false)}
        />
      )}
    </div>
  );
}

/** The faults of the payload as a whole. */
function WholeFaults({ faults }: { faults: FieldFault[] }) {
  const whole = faults.filter(({ path }) => path === "");
  if (whole.length === 0) return null;
  return (
    <Notice tone="warn">
      {whole.map(({ message }) => (
        <p key={message}>{message}</p>
      ))}
    </Notice>
  );
}

function Verdict(props: { count: number; failure: string | undefined; touched: boolean }) {
  const { count, failure, touched } = props;
  if (failure) {
    return <p className={styles.verdict}>Only the server can check its rules: {failure}</p>;
  }
  if (!touched) return <p className={styles.verdict} />;
  return (
    <p className={styles.verdict} data-ok={count === 0 || undefined} aria-live="polite">
      {count === 0 && "It satisfies every rule."}
      {count === 1 && "It breaks a rule."}
      {count > 1 && `It breaks ${count} rules.`}
    </p>
  );
}

function anywayHint({ eventType }: GetEventTypeResponse): string {
  return eventType?.level === EnforcementLevel.ENFORCE
    ? "The server will refuse it."
    : "The type's level is not enforce, so the server will accept it.";
}

/** What the server says of fields, where the page has not said it already. */
function serverFaults(
  desc: DescMessage,
  refusal: Fault | undefined,
  known: FieldFault[],
): FieldFault[] {
  const own = (refusal?.fields ?? [])
    .filter(({ path }) => covers("event.data", path))
    .map(({ path, message }) => ({ path: schemaPath(desc, path), message }));
  return own.filter(({ path }) => !known.some((fault) => covers(path, fault.path)));
}

function focusFault(form: HTMLFormElement | null): void {
  form?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
}
