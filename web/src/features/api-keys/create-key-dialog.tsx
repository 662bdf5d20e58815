import { type FormEvent, useState } from "react";
import { ApiKeyScope } from "#gen/postrider/v1/api_key_pb";
import { readFault } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";
import { Button } from "@/ui/button";
import { Actions, Dialog } from "@/ui/dialog";
import { Field, FormFaults, formClass, Input, Select, useFieldFaults } from "@/ui/field";
import { CommandLine, Notice } from "@/ui/states";
import styles from "./create-key-dialog.module.css";
import { useCreateApiKey } from "./queries";
import { grantable, permissionName } from "./scopes";

const paths = ["api_key.name", "api_key.scopes", "api_key.tenant"];

/** Makes a key, and shows its secret this one time. */
export function CreateKeyDialog({ onClose }: { onClose: () => void }) {
  const create = useCreateApiKey();
  if (create.data) {
    return (
      <Dialog title={`Key ${create.data.apiKey?.name}`} onClose={onClose}>
        <Notice tone="warn">
          Copy the secret now. The server keeps only a hash of it and cannot show it again. The key
          is valid until it is revoked.
        </Notice>
        <CommandLine text={create.data.secret} />
        <Actions>
          <Button kind="main" onClick={onClose}>
            Done
          </Button>
        </Actions>
      </Dialog>
    );
  }
  return (
    <Dialog title="New API key" onClose={onClose}>
      <CreateKeyForm create={create} onClose={onClose} />
    </Dialog>
  );
}

function CreateKeyForm(props: { create: ReturnType<typeof useCreateApiKey>; onClose: () => void }) {
  const { create, onClose } = props;
  const { session, tenant, isServerScoped } = useAccess();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState([ApiKeyScope.PUBLISH]);
  const [reach, setReach] = useState<"tenant" | "server">("tenant");
  const confinedTo = tenant || session.tenant || "default";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const owner = reach === "server" ? "" : confinedTo;
    create.mutate({ apiKey: { name: name.trim(), scopes, tenant: owner } });
  };
  const toggle = (scope: ApiKeyScope) =>
    setScopes(
      scopes.includes(scope) ? scopes.filter((other) => other !== scope) : [...scopes, scope],
    );
  return (
    <form className={formClass} onSubmit={submit} noValidate>
      <FormFaults fault={create.error ? readFault(create.error) : undefined} paths={paths}>
        <Field
          label="Name"
          path="api_key.name"
          hint="Who uses it, for example checkout. It tells keys apart when one is revoked."
        >
          {(control) => (
            <Input {...control} required value={name} onChange={(e) => setName(e.target.value)} />
          )}
        </Field>
        <Scopes chosen={scopes} onToggle={toggle} />
        {isServerScoped && (
          <Field label="Valid for" path="api_key.tenant">
            {(control) => (
              <Select
                {...control}
                value={reach}
                onChange={(e) => setReach(e.target.value === "server" ? "server" : "tenant")}
              >
                <option value="tenant">The tenant {confinedTo}</option>
                <option value="server">The whole server, every tenant</option>
              </Select>
            )}
          </Field>
        )}
      </FormFaults>
      <Actions>
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="main" type="submit" busy={create.isPending}>
          Create key
        </Button>
      </Actions>
    </form>
  );
}

function Scopes(props: { chosen: ApiKeyScope[]; onToggle: (scope: ApiKeyScope) => void }) {
  const faults = useFieldFaults("api_key.scopes");
  return (
    <fieldset className={styles.scopes}>
      <legend>Permissions</legend>
      {grantable.map(([scope, what]) => (
        <label key={scope} className={styles.scope}>
          <input
            type="checkbox"
            checked={props.chosen.includes(scope)}
            onChange={() => props.onToggle(scope)}
          />
          <span>
            <strong>{permissionName[scope]}</strong>: {what}
          </span>
        </label>
      ))}
      {faults.map(({ path, message }) => (
        <p key={path} className={styles.fault} role="alert">
          {message}
        </p>
      ))}
    </fieldset>
  );
}
