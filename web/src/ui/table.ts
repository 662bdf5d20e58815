import styles from "./table.module.css";

/**
 * The look of a table. On a narrow screen every row becomes a card whose cells carry their data-label; cells marked
 * data-number are aligned to the right, those marked data-text wrap.
 */
export const tableClass: string = styles.table ?? "";
