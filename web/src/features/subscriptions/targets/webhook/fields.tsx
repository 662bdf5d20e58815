import { Button, IconButton } from "@/ui/button";
import { Field, Input, useFieldFaults } from "@/ui/field";
import type { TargetFieldsProps } from "../target";
import styles from "./fields.module.css";
import type { HeaderField, WebhookState } from "./webhook";

export function WebhookFields({ state, set }: TargetFieldsProps<WebhookState>) {
  return (
    <>
      <Field
        label="Webhook URL"
        path="subscription.target.webhook.url"
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
  const faults = useFieldFaults("subscription.target.webhook.headers");
  const change = (key: number, part: Partial<HeaderField>) =>
    onChange(headers.map((header) => (header.key === key ? { ...header, ...part } : header)));
  const add = () => {
    const key = Math.max(-1, ...headers.map((header) => header.key)) + 1;
    onChange([...headers, { key, name: "", value: "" }]);
  };
  return (
    <fieldset className={styles.headers}>
      <legend>Headers</legend>
      {headers.map(({ key, name, value }, index) => (
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
      ))}
      {faults.map(({ path, message }) => (
        <p key={path} className={styles.fault} role="alert">
          {message}
        </p>
      ))}
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
