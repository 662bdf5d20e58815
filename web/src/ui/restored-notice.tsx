import type { ReactNode } from "react";
import { Button } from "./button";
import styles from "./restored-notice.module.css";
import { Notice } from "./states";

/** Above a form that begins with what was typed before its page was left or loaded again. */
export function RestoredNotice(props: {
  onReset: () => void;
  /** What else can be done. */
  children?: ReactNode;
}) {
  return (
    <Notice tone="warn">
      <div className={styles.row}>
        <p>What you typed before is here again, without secrets, which are not stored.</p>
        <div className={styles.actions}>
          {props.children}
          <Button onClick={props.onReset}>Start over</Button>
        </div>
      </div>
    </Notice>
  );
}
