import { useState } from "react";
import type { Session } from "#gen/postrider/v1/session_pb";
import { countDrafts } from "@/store/drafts";
import { Button } from "@/ui/button";
import { Actions, Dialog } from "@/ui/dialog";
import { Icon } from "@/ui/icon";
import { Menu } from "@/ui/menu";
import { useSignOut } from "./queries";
import styles from "./session-menu.module.css";

/** Whose key is in use, the server's version, and the way out. */
export function SessionMenu({ session }: { session: Session }) {
  const signOut = useSignOut();
  /** The number of forms that a sign-out would empty, while that is asked about. */
  const [drafts, setDrafts] = useState(0);
  const button = (
    <>
      <Icon name="key" /> <span className={styles.name}>{session.keyName}</span>
    </>
  );
  return (
    <>
      <Menu label={`Signed in as ${session.keyName}`} button={button}>
        {() => (
          <>
            <p>
              Signed in with the key <strong className={styles.key}>{session.keyName}</strong>
            </p>
            <p>
              Server <code>{session.serverVersion || "unknown"}</code>
            </p>
            <button
              type="button"
              className={styles.out}
              onClick={() => (countDrafts() > 0 ? setDrafts(countDrafts()) : signOut.mutate())}
            >
              Sign out
            </button>
            {signOut.isError && <p role="alert">That did not work. Try again.</p>}
          </>
        )}
      </Menu>
      {drafts > 0 && (
        <Dialog title="Sign out?" onClose={() => setDrafts(0)}>
          <p>
            What you typed into {drafts === 1 ? "a form" : `${drafts} forms`} and did not send will
            be gone, in every tab.
          </p>
          {signOut.isError && <p role="alert">That did not work: you are still signed in.</p>}
          <Actions>
            <Button onClick={() => setDrafts(0)}>Stay signed in</Button>
            <Button kind="danger" busy={signOut.isPending} onClick={() => signOut.mutate()}>
              Sign out
            </Button>
          </Actions>
        </Dialog>
      )}
    </>
  );
}
