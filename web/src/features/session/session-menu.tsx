import type { Session } from "#gen/postrider/v1/session_pb";
import { Icon } from "@/ui/icon";
import { useSignOut } from "./queries";
import styles from "./session-menu.module.css";

/** Whose key is in use, the server's version, and the way out. */
export function SessionMenu({ session }: { session: Session }) {
  const signOut = useSignOut();
  return (
    <details className={styles.menu}>
      <summary className={styles.summary} aria-label={`Signed in as ${session.keyName}`}>
        <Icon name="key" /> <span className={styles.name}>{session.keyName}</span>
      </summary>
      <div className={styles.sheet}>
        <p>
          Signed in with the key <strong>{session.keyName}</strong>
        </p>
        <p>
          Server <code>{session.serverVersion || "unknown"}</code>
        </p>
        <button type="button" className={styles.out} onClick={() => signOut.mutate()}>
          Sign out
        </button>
        {signOut.isError && <p role="alert">That did not work. Try again.</p>}
      </div>
    </details>
  );
}
