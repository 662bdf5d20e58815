import type { ReactNode } from "react";
import { Field, formClass, Input, Select, TextArea } from "@/ui/field";
import type { TargetFieldsProps } from "../target";
import styles from "./fields.module.css";
import { type Login, loginLabels, type NatsState } from "./nats";
import { natsPath } from "./rules";

type Props = TargetFieldsProps<NatsState>;

export function NatsFields(props: Props) {
  return (
    <>
      <Text
        {...props}
        name="urls"
        label="Servers"
        placeholder="tls://nats.example.com:4222"
        hint="Of one NATS system, separated by commas: servers that the operator has named (--nats-servers). nats://, without TLS, only on private addresses."
      />
      <Text
        {...props}
        name="subject"
        label="Subject"
        placeholder="events.{type}"
        hint={
          <>
            <code>{"{type}"}</code> stands for the event's type.
          </>
        }
      />
      <Text
        {...props}
        name="stream"
        label="Stream"
        hint="The stream that must take the events; any stream with the subject when empty."
      />
      <Credentials {...props} />
      <Certificates {...props} />
    </>
  );
}

function Credentials(props: Props) {
  const { state, set } = props;
  return (
    <>
      <Field label="Login" path="subscription.target.nats.login">
        {(control) => (
          <Select
            {...control}
            value={state.login}
            onChange={(e) => set({ login: e.target.value as Login })}
          >
            {Object.entries(loginLabels).map(([login, label]) => (
              <option key={login} value={login}>
                {label}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {state.login === "user" && (
        <div className={styles.pair}>
          <Text {...props} name="user" label="User" />
          <Text {...props} name="password" label="Password" hint={sealed} secret />
        </div>
      )}
      {state.login === "token" && (
        <Text {...props} name="token" label="Token" hint={sealed} secret />
      )}
      {state.login === "nkey" && (
        <Text {...props} name="nkeySeed" label="NKey seed" placeholder="SU…" hint={sealed} secret />
      )}
      {state.login === "credentials" && (
        <LongText {...props} name="credentials" label="Credentials file" hint={sealed} />
      )}
    </>
  );
}

function Certificates(props: Props) {
  return (
    <details className={styles.certificates}>
      <summary>Certificates</summary>
      <div className={formClass}>
        <LongText
          {...props}
          name="caCertificates"
          label="Authorities"
          hint="PEM, for servers whose certificates no public authority has signed."
        />
        <LongText {...props} name="clientCertificate" label="Client certificate" hint="PEM." />
        <LongText {...props} name="clientKey" label="Client key" hint={`PEM. ${sealed}`} />
      </div>
    </details>
  );
}

const sealed = "Sealed and never shown again.";

interface TextProps extends Props {
  name: Exclude<keyof NatsState, "login">;
  label: string;
  hint?: ReactNode;
  placeholder?: string;
  secret?: boolean;
}

function Text({ state, set, name, label, hint, placeholder, secret }: TextProps) {
  return (
    <Field label={label} path={natsPath(name)} hint={hint}>
      {(control) => (
        <Input
          {...control}
          mono
          type={secret ? "password" : "text"}
          autoComplete="off"
          placeholder={placeholder}
          value={state[name]}
          onChange={(e) => set({ [name]: e.target.value })}
        />
      )}
    </Field>
  );
}

function LongText({ state, set, name, label, hint }: TextProps) {
  return (
    <Field label={label} path={natsPath(name)} hint={hint}>
      {(control) => (
        <TextArea
          {...control}
          value={state[name]}
          onChange={(e) => set({ [name]: e.target.value })}
        />
      )}
    </Field>
  );
}
