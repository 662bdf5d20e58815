import type { Fault } from "@/rpc/fault";
import { Notice } from "@/ui/states";
import styles from "./playground-page.module.css";

/** Why an event was not published. */
export function Refusal({ fault }: { fault: Fault }) {
  return (
    <div className={styles.refusal}>
      <Notice tone="bad">
        {fault.unreachable && <p>{fault.message} Whether the event was stored is not known.</p>}
        {!fault.unreachable && <p>The server refused it.</p>}
        {!fault.unreachable && fault.fields.length === 0 && <p>{fault.message}</p>}
        <ul>
          {fault.fields.map(({ path, message }) => (
            <li key={`${path} ${message}`}>
              <code>{path}</code> {message}
            </li>
          ))}
        </ul>
      </Notice>
    </div>
  );
}
