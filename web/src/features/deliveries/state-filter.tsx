import { DeliveryState } from "#gen/postrider/v1/delivery_pb";
import { deliveryStatus, type Status } from "@/theme/status";
import { Dot } from "@/ui/badge";
import { clsx } from "@/ui/clsx";
import styles from "./state-filter.module.css";

/** The state filter in the URL. */
export const stateNames = ["PENDING", "FAILED", "RETRYING", "DELIVERED", "DEAD"] as const;
export type StateName = (typeof stateNames)[number];

const { PENDING, RETRYING, DELIVERED, DEAD } = DeliveryState;

const choices: Record<StateName, { status: Status; states: DeliveryState[] }> = {
  PENDING: { status: deliveryStatus[PENDING], states: [PENDING] },
  FAILED: {
    status: { tone: "bad", label: "Failed", hint: "Retrying or dead." },
    states: [RETRYING, DEAD],
  },
  RETRYING: { status: deliveryStatus[RETRYING], states: [RETRYING] },
  DELIVERED: { status: deliveryStatus[DELIVERED], states: [DELIVERED] },
  DEAD: { status: deliveryStatus[DEAD], states: [DEAD] },
};

/** The name when it is one to filter by. */
export function readState(name: string | undefined): StateName | undefined {
  return stateNames.find((known) => known === name);
}

/** The states of a filter; all if there is none. */
export function statesOf(name: StateName | undefined): DeliveryState[] | undefined {
  return name && choices[name].states;
}

interface Props {
  chosen: StateName | undefined;
  onChoose: (name: StateName | undefined) => void;
}

/** The heading of a list of deliveries with its filter. */
export function StateHeader(props: Props) {
  return (
    <header className={styles.head}>
      <h2>Deliveries</h2>
      <StateFilter {...props} />
    </header>
  );
}

/** All deliveries, or those in one state. */
export function StateFilter({ chosen, onChoose }: Props) {
  return (
    <fieldset className={styles.states} aria-label="State of the deliveries">
      <Choice
        status={{ label: "All", hint: "In any state." }}
        isChosen={chosen === undefined}
        onChoose={() => onChoose(undefined)}
      />
      {stateNames.map((name) => (
        <Choice
          key={name}
          status={choices[name].status}
          isChosen={chosen === name}
          onChoose={() => onChoose(name)}
        />
      ))}
    </fieldset>
  );
}

interface ChoiceProps {
  status: Omit<Status, "tone"> & { tone?: Status["tone"] };
  isChosen: boolean;
  onChoose: () => void;
}

function Choice({ status, isChosen, onChoose }: ChoiceProps) {
  const { tone, label, hint } = status;
  return (
    <button
      type="button"
      aria-pressed={isChosen}
      title={hint}
      className={clsx(styles.state, isChosen && styles.chosen)}
      onClick={onChoose}
    >
      {tone && <Dot status={{ tone, label, hint }} />}
      {label}
    </button>
  );
}
