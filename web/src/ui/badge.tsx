import type { Status } from "@/theme/status";
import styles from "./badge.module.css";
import { clsx } from "./clsx";

/** A state as a word on its colour. */
export function Badge({ status, children }: { status: Status; children?: string }) {
  return (
    <span className={clsx(styles.badge, styles[status.tone])} title={status.hint}>
      {children ?? status.label}
    </span>
  );
}

/** A state as a dot, beside text that says the same. */
export function Dot({ status }: { status: Status }) {
  return <span className={clsx(styles.dot, styles[status.tone])} aria-hidden="true" />;
}
