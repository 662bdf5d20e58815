import type { Session } from "#gen/postrider/v1/session_pb";
import { Icon } from "@/ui/icon";
import { Menu } from "@/ui/menu";
import { useSignOut } from "./queries";
import styles from "./session-menu.module.css";

/** Whose key is in use, the server's version, and the way out. */
export function SessionMenu({ session }: { session: Session }) {
  const signOut = useSignOut();
  const button = (
    <>
      <Icon name="key" /> <span className={styles.name}>{session.keyName}</span>
    </>
  );
  return (
    <Menu label={`Signed in as ${session.keyName}`} button={button}>
      {() => (
        <>
          <p>
            Signed in with the key <strong className={styles.key}>{session.keyName}</strong>
          </p>
          <p>
            Server <code>{session.serverVersion || "unknown"}</code>
          </p>
          <button type="button" className={styles.out} onClick={() => signOut.mutate()}>
            Sign out
          </button>
          {signOut.isError && <p role="alert">That did not work. Try again.</p>}
        </>
      )}
    </Menu>
  );
}
