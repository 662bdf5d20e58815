import { Link } from "@tanstack/react-router";
import type { Subscriber } from "#gen/postrider/v1/event_type_pb";
import styles from "./event-type-page.module.css";

/** Which subscriptions take events of a type. */
export function Subscribers({ subscribers }: { subscribers: Subscriber[] }) {
  if (subscribers.length === 0) return <p>No subscription selects this type.</p>;
  return (
    <ul>
      {subscribers.map(({ id, name, filterError }) => (
        <li key={id} className={styles.subscriber}>
          <Link
            to="/subscriptions/$subscriptionId"
            params={{ subscriptionId: id }}
            search={({ tenant }) => ({ tenant })}
          >
            {name}
          </Link>
          {filterError && (
            <span className={styles.problem}>Its filter fails for this type: {filterError}</span>
          )}
        </li>
      ))}
    </ul>
  );
}
