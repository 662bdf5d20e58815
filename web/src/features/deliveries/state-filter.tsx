import { DeliveryState } from "#gen/postrider/v1/delivery_pb";
import { deliveryStatus } from "@/theme/status";
import { Dot } from "@/ui/badge";
import { clsx } from "@/ui/clsx";
import styles from "./state-filter.module.css";

/** The states to filter by, as they stand in the URL. */
export const stateNames = ["PENDING", "RETRYING", "DELIVERED", "DEAD"] as const;
export type StateName = (typeof stateNames)[number];

interface Props {
  chosen: StateName | undefined;
  onChoose: (name: StateName | undefined) => void;
}

/** All deliveries, or those in one state. */
export function StateFilter({ chosen, onChoose }: Props) {
  return (
    <header className={styles.head}>
      <h2>Deliveries</h2>
      <fieldset className={styles.states} aria-label="State of the deliveries">
        <button
          type="button"
          aria-pressed={chosen === undefined}
          className={clsx(styles.state, chosen === undefined && styles.chosen)}
          onClick={() => onChoose(undefined)}
        >
          All
        </button>
        {stateNames.map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={chosen === name}
            className={clsx(styles.state, chosen === name && styles.chosen)}
            onClick={() => onChoose(name)}
          >
            <Dot status={deliveryStatus[DeliveryState[name]]} />
            {deliveryStatus[DeliveryState[name]].label}
          </button>
        ))}
      </fieldset>
    </header>
  );
}
