import { type FormEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { useDraft } from "@/rpc/draft";
import { Button } from "@/ui/button";
import { Actions } from "@/ui/dialog";
import { FormFaults, formClass } from "@/ui/field";
import { splitList } from "@/ui/format/list";
import { useMedia } from "@/ui/media";
import { RestoredNotice } from "@/ui/restored-notice";
import { FilterField } from "./filter/filter-field";
import { FilterPreview } from "./filter/filter-preview";
import { useFilterTest } from "./filter/queries";
import { formDraft, stillLost, unstored } from "./form-draft";
import { faultsNow, lostFaults, readRefusal } from "./form-faults";
import { Advanced, Basics, EventTypes, Start, TargetFields } from "./form-fields";
import { formFaults } from "./form-rules";
import { type FormState, formPaths } from "./form-state";
import { LeaveDialog } from "./leave-dialog";
import styles from "./subscription-form.module.css";

interface Props {
  /** Under which what is typed is kept. */
  draft: string;
  initial: FormState;
  /** Creating asks where to start; editing cannot change it. */
  isNew: boolean;
  /** The call that the last submit made. */
  call: { isPending: boolean; isSuccess: boolean; error: unknown };
  onSubmit: (form: FormState) => void;
  cancel: ReactNode;
}

/** There is room for the preview beside the form. */
const wide = "(min-width: 1180px)";

export function SubscriptionForm({ draft, initial, isNew, call, onSubmit, cancel }: Props) {
  const begun = { form: initial, lost: [] };
  const { value, set: setContent, isRestored, reset } = useDraft(draft, begun, formDraft(initial));
  const { form, lost } = value;
  const [submits, setSubmits] = useState(0);
  const [sent, setSent] = useState<FormState>();
  const element = useRef<HTMLFormElement>(null);
  const refusal = useMemo(() => (call.error ? readRefusal(call.error) : undefined), [call.error]);
  const isWide = useMedia(wide);
  const test = useFilterTest(splitList(form.types), form.expression);
  const set = (change: Partial<FormState>) => {
    const next = { ...form, ...change };
    setContent({ form: next, lost: stillLost(lost, form, next) });
  };
  // What is wrong takes the focus, also when it is far up or inside a closed section.
  useEffect(() => {
    if (submits > 0 || refusal) revealFault(element.current);
  }, [submits, refusal]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setSubmits(submits + 1);
    if (lost.length > 0 || formFaults(form).length > 0) return;
    setSent(form);
    onSubmit(form);
  };
  const preview = (
    <FilterPreview
      expression={form.expression}
      test={test}
      onChange={(expression) => set({ expression })}
    />
  );
  const filter = { types: splitList(form.types), expression: form.expression, test };
  return (
    <form ref={element} className={styles.split} onSubmit={submit} noValidate>
      <div className={`${formClass} ${styles.form}`}>
        {isRestored && (
          <RestoredNotice onReset={reset}>
            {lost.length > 0 && (
              <Button onClick={() => setContent({ form, lost: [] })}>Go on without them</Button>
            )}
          </RestoredNotice>
        )}
        <FormFaults
          fault={faultsNow(form, submits > 0, refusal, sent)}
          quiet={lostFaults(lost)}
          paths={formPaths}
        >
          <Basics form={form} set={set} />
          <EventTypes form={form} set={set} />
          <FilterField {...filter} onChange={(expression) => set({ expression })} />
          {!isWide && preview}
          <TargetFields form={form} set={set} />
          {isNew && <Start form={form} set={set} />}
          <Advanced form={form} set={set} isNew={isNew} />
        </FormFaults>
        <Actions>
          {cancel}
          <Button kind="main" type="submit" busy={call.isPending}>
            {isNew ? "Create subscription" : "Save changes"}
          </Button>
        </Actions>
      </div>
      {isWide && <aside className={styles.aside}>{preview}</aside>}
      <LeaveDialog isAsked={!call.isSuccess && unstored(form, initial).length > 0} />
    </form>
  );
}

function revealFault(form: HTMLFormElement | null): void {
  const control = form?.querySelector<HTMLElement>("[aria-invalid=true]");
  for (let section = control?.closest("details"); section; ) {
    section.open = true;
    section = section.parentElement?.closest("details") ?? undefined;
  }
  control?.focus();
}
