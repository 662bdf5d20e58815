import { Code } from "@connectrpc/connect";
import { type FormEvent, useState } from "react";
import { type Fault, readFault } from "@/rpc/fault";
import { Button } from "@/ui/button";
import { Field, FormFaults, formClass, Input } from "@/ui/field";
import { Mark } from "@/ui/mark";
import { useSignIn } from "./queries";
import styles from "./sign-in-page.module.css";

/** Asks for a key. It replaces the requested page, so the URL stays the same. */
export function SignInPage() {
  const signIn = useSignIn();
  const [key, setKey] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate(key.trim());
  };
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <div className={styles.stamp} aria-hidden="true">
          <Mark size={64} />
        </div>
        <h1 className={styles.brand}>Postrider</h1>
        <p className={styles.line}>
          Sign in with an API key to see events, their deliveries, and the responses of endpoints.
        </p>
        <form className={formClass} onSubmit={submit} noValidate>
          <FormFaults fault={signIn.error ? keyFault(signIn.error) : undefined} paths={["key"]}>
            <Field label="API key" path="key">
              {(control) => (
                <Input
                  {...control}
                  mono
                  required
                  autoFocus
                  type="password"
                  autoComplete="current-password"
                  value={key}
                  onChange={(event) => setKey(event.target.value)}
                />
              )}
            </Field>
          </FormFaults>
          <Button kind="main" type="submit" busy={signIn.isPending}>
            Sign in
          </Button>
        </form>
        <details className={styles.help}>
          <summary>Where is the admin key?</summary>
          <p>
            The server prints its path at every start. It is in <code>admin-key</code> in the data
            folder, unless <code>POSTRIDER_ADMIN_KEY</code> is set. With the defaults:
          </p>
          <pre>cat ./data/admin-key</pre>
        </details>
      </div>
    </main>
  );
}

/** What a refused key means, at the field. */
function keyFault(cause: unknown): Fault {
  const fault = readFault(cause);
  if (fault.code !== Code.Unauthenticated) return fault;
  const message = "This key is wrong or has been revoked.";
  return { ...fault, message, fields: [{ path: "key", message }] };
}
