import type { ReactNode } from "react";
import styles from "./page.module.css";

/** A page that scrolls as a whole: a title, what can be done, and the content. */
export function Page(props: { title: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>{props.title}</h1>
        <div className={styles.actions}>{props.actions}</div>
      </header>
      {props.children}
    </div>
  );
}
