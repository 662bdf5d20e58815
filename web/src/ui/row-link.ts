import type { MouseEvent } from "react";
import styles from "./row-link.module.css";

/** The link that its whole row is the target of. */
export const rowLinkClass = styles.link;

/** Whether a click on a link leads there in this tab: the browser opens the others itself. */
export function isPlainClick(event: MouseEvent): boolean {
  return event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey);
}
