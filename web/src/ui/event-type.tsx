import styles from "./event-type.module.css";

/** An event type with its last segment emphasised, which distinguishes similar types. */
export function EventType({ name }: { name: string }) {
  const cut = name.lastIndexOf(".") + 1;
  return (
    <code className={styles.type} title={name}>
      <span className={styles.prefix}>{name.slice(0, cut)}</span>
      {name.slice(cut)}
    </code>
  );
}
