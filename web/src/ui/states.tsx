import type { ReactNode } from "react";
import { readFault } from "@/rpc/fault";
import { Button } from "./button";
import { CopyButton } from "./copy";
import styles from "./states.module.css";

/** What a list shows when there is nothing in it: what would be here, and how to get it. */
export function EmptyState({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles.stamp}>
      <div className={styles.inside}>
        <h2>{title}</h2>
        {children}
      </div>
    </section>
  );
}

/** What could not be loaded, why, and the way to try again. */
export function ErrorState({
  title,
  cause,
  onRetry,
}: {
  title: string;
  cause: unknown;
  onRetry?: () => void;
}) {
  return (
    <section className={styles.error} role="alert">
      <h2>{title}</h2>
      <p>{readFault(cause).message}</p>
      {onRetry && (
        <Button icon="retry" onClick={onRetry}>
          Try again
        </Button>
      )}
    </section>
  );
}

/** Grey lines where rows will be. */
export function Skeleton({ rows, label }: { rows: number; label: string }) {
  return (
    <div className={styles.skeleton} role="status">
      <span className="visually-hidden">{label}</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all the same and never move.
        <span key={row} className={styles.bone} />
      ))}
    </div>
  );
}

/** A line for the shell, to be copied. */
export function CommandLine({ text }: { text: string }) {
  return (
    <div className={styles.command}>
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} />
    </div>
  );
}

/** A short message about something that went wrong beside what it is about. */
export function Notice({ tone, children }: { tone: "bad" | "warn" | "good"; children: ReactNode }) {
  return (
    <div className={`${styles.notice} ${styles[tone]}`} role={tone === "bad" ? "alert" : "status"}>
      {children}
    </div>
  );
}
