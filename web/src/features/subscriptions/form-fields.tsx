import { useTypeNames } from "@/schema/queries";
import { Field, formClass, Input, Select, TextArea } from "@/ui/field";
import { PatternInput } from "@/ui/pattern-input";
import type { FormState } from "./form-state";
import styles from "./subscription-form.module.css";
import { type Kind, kindNames, targetFields, targetKinds } from "./targets/registry";

export interface Part {
  form: FormState;
  set: (change: Partial<FormState>) => void;
}

export function Basics({ form, set }: Part) {
  return (
    <>
      <Field
        label="Name"
        path="subscription.name"
        hint="Unique in its tenant, for example billing."
      >
        {(control) => (
          <Input
            {...control}
            required
            value={form.name}
            onChange={(e) => set({ name: e.target.value })}
          />
        )}
      </Field>
      <Field label="Description" path="subscription.description">
        {(control) => (
          <TextArea
            {...control}
            value={form.description}
            onChange={(e) => set({ description: e.target.value })}
          />
        )}
      </Field>
    </>
  );
}

export function EventTypes({ form, set }: Part) {
  const names = useTypeNames();
  return (
    <Field
      label="Event types"
      path="subscription.filter.types"
      hint={
        <>
          Exact (<code>order.created</code>), by prefix (<code>order.*</code>), separated by commas.
          Empty means all.
        </>
      }
    >
      {(control) => (
        <PatternInput
          control={control}
          value={form.types}
          onChange={(types) => set({ types })}
          names={names}
        />
      )}
    </Field>
  );
}

export function TargetFields({ form, set }: Part) {
  return (
    <>
      <Field label="Target" path="subscription.target.type" hint="Where the events go.">
        {(control) => (
          <Select
            {...control}
            value={form.kind}
            onChange={(e) => set({ kind: e.target.value as Kind })}
          >
            {kindNames.map((kind) => (
              <option key={kind} value={kind}>
                {targetKinds[kind].label}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {targetFields(form.kind, form.targets, (targets) => set({ targets }))}
    </>
  );
}

export function Start({ form, set }: Part) {
  return (
    <Field label="Start" path="subscription.start" hint="Cannot be changed later.">
      {(control) => (
        <div className={styles.start}>
          <Select
            {...control}
            value={form.startAt}
            onChange={(e) => set({ startAt: e.target.value as FormState["startAt"] })}
          >
            <option value="now">Now: only new events</option>
            <option value="earliest">The earliest event still stored</option>
            <option value="time">A time</option>
            <option value="cursor">After a cursor</option>
          </Select>
          {form.startAt === "time" && (
            <Input
              type="datetime-local"
              step="1"
              aria-label="Start time"
              value={form.startTime}
              onChange={(e) => set({ startTime: e.target.value })}
            />
          )}
          {form.startAt === "cursor" && (
            <Input
              mono
              aria-label="Start cursor"
              value={form.startCursor}
              onChange={(e) => set({ startCursor: e.target.value })}
            />
          )}
        </div>
      )}
    </Field>
  );
}

export function Advanced({ form, set, isNew }: Part & { isNew: boolean }) {
  return (
    <details className={styles.advanced}>
      <summary>Advanced: retries, concurrency, timeout, payloads, secret</summary>
      <div className={formClass}>
        <Field
          label="Retry schedule"
          path="subscription.policy.retry_schedule"
          hint="The waits between attempts, each varied by 20 %. After the last attempt the delivery is dead."
        >
          {(control) => (
            <Input
              {...control}
              mono
              placeholder="5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h"
              value={form.retrySchedule}
              onChange={(e) => set({ retrySchedule: e.target.value })}
            />
          )}
        </Field>
        <div className={styles.pair}>
          <Field
            label="Concurrency"
            path="subscription.policy.concurrency"
            hint="The number of concurrent attempts, at most 1024."
          >
            {(control) => (
              <Input
                {...control}
                inputMode="numeric"
                placeholder="32"
                value={form.concurrency}
                onChange={(e) => set({ concurrency: e.target.value })}
              />
            )}
          </Field>
          <Field
            label="Timeout"
            path="subscription.policy.timeout"
            hint="The time limit of one attempt, at most 2m."
          >
            {(control) => (
              <Input
                {...control}
                mono
                placeholder="15s"
                value={form.timeout}
                onChange={(e) => set({ timeout: e.target.value })}
              />
            )}
          </Field>
        </div>
        <Field
          label="Fields that are not set"
          path="subscription.payload_format"
          hint="Applies to payloads with a schema, and to fields without presence."
        >
          {(control) => (
            <Select
              {...control}
              value={form.defaults ? "shown" : "absent"}
              onChange={(e) => set({ defaults: e.target.value === "shown" })}
            >
              <option value="absent">Are omitted</option>
              <option value="shown">Are included with their defaults</option>
            </Select>
          )}
        </Field>
        <Field
          label="Signing secret"
          path="subscription.secret"
          hint={
            isNew
              ? "whsec_ and base64 of 24 to 64 bytes. The server generates one if empty."
              : "Empty keeps the secret. A new one is used from the next attempt on."
          }
        >
          {(control) => (
            <Input
              {...control}
              mono
              placeholder="whsec_…"
              value={form.secret}
              onChange={(e) => set({ secret: e.target.value })}
            />
          )}
        </Field>
      </div>
    </details>
  );
}
