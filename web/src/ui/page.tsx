import type { ReactNode } from "react";
import styles from "./page.module.css";

interface Props {
  title: ReactNode;
  /** The way to pages beside this one. */
  tabs?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A page that scrolls as a whole: a title, what can be done, and the content. */
export function Page({ title, tabs, actions, children }: Props) {
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <div className={styles.title}>
          <h1>{title}</h1>
          {tabs}
        </div>
        <div className={styles.actions}>{actions}</div>
      </header>
      {children}
    </div>
  );
}
