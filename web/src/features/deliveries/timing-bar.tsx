import type { Attempt } from "#gen/postrider/v1/delivery_pb";
import { shortDuration } from "@/ui/format/duration";
import styles from "./timing-bar.module.css";
import { timingParts } from "./timings";

/** Where an attempt's time went, drawn to scale. */
export function TimingBar({ attempt }: { attempt: Attempt }) {
  const parts = timingParts(attempt);
  if (!parts || parts.length === 0) return null;
  return (
    <figure className={styles.timing} aria-label="Timing">
      <div className={styles.bar} aria-hidden="true">
        {parts.map(({ name, ms }) => (
          <span key={name} className={styles[name]} style={{ flexGrow: ms }} />
        ))}
      </div>
      <figcaption className={styles.legend}>
        {parts.map(({ name, ms }) => (
          <span key={name} className={styles.entry}>
            <span className={`${styles.swatch} ${styles[name]}`} aria-hidden="true" />
            {name} {shortDuration(ms)}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
