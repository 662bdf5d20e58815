import { useId } from "react";
import { Button, IconButton } from "@/ui/button";
import { Field, Input, useFieldFaults } from "@/ui/field";
import type { TargetFieldsProps } from "../target";
import styles from "./fields.module.css";
import { headerPath, headersPath, urlPath } from "./rules";
import type { HeaderField, WebhookState } from "./webhook";

export function WebhookFields({ state, set }: TargetFieldsProps<WebhookState>) {
  return (
    <>
      <Field
        label="Webhook URL"
        path={urlPath}
        hint="Events are sent here as signed POST requests. http is possible only for addresses that the server allows."
      >
        {(control) => (
          <Input
            {...control}
            mono
            required
            inputMode="url"
            placeholder="https://example.com/hooks/postrider"
            value={state.url}
            onChange={(e) => set({ url: e.target.value })}
          />
        )}
      </Field>
      <Headers headers={state.headers} onChange={(headers) => set({ headers })} />
    </>
  );
}

function Headers(props: { headers: HeaderField[]; onChange: (headers: HeaderField[]) => void }) {
  const { headers, onChange } = props;
  const faults = useFieldFaults(headersPath);
  const faultsId = useId();
  const change = (key: number, part: Partial<HeaderField>) =>
    onChange(headers.map((header) => (header.key === key ? { ...header, ...part } : header)));
  const add = () => {
    const key = Math.max(-1, ...headers.map((header) => header.key)) + 1;
    onChange([...headers, { key, name: "", value: "" }]);
  };
  return (
    <fieldset className={styles.headers}>
      <legend>Headers</legend>
      {headers.map(({ key, name, value }, index) => {
        const isFaulty = faults.some(({ path }) => path === headerPath(name)) || undefined;
        return (
          <div key={key} className={styles.header}>
            <Input
              mono
              aria-label={`Name of header ${index + 1}`}
              placeholder="Authorization"
              value={name}
              onChange={(e) => change(key, { name: e.target.value })}
            />
            <Input
              mono
              aria-label={`Value of header ${index + 1}`}
              aria-invalid={isFaulty}
              aria-describedby={isFaulty && faultsId}
              placeholder="Bearer …"
              value={value}
              onChange={(e) => change(key, { value: e.target.value })}
            />
            <IconButton
              icon="trash"
              label={`Remove header ${name || index + 1}`}
              onClick={() => onChange(headers.filter((header) => header.key !== key))}
            />
          </div>
        );
      })}
      <div id={faultsId} role="alert">
        {faults.map(({ path, message }) => (
          <p key={path} className={styles.fault}>
            {headerName(path)}
            {message}
          </p>
        ))}
      </div>
      <div>
        <Button icon="plus" onClick={add}>
          Add header
        </Button>
      </div>
      <p className={styles.hint}>
        Sent with every attempt; values are sealed and never shown again.
      </p>
    </fieldset>
  );
}

/** The header that a path ends with, to tell the faults of several apart. */
function headerName(path: string): string {
  const name = /\["(.+)"\]$/.exec(path)?.[1];
  return name ? `${name}: ` : "";
}
