import type { ReactNode } from "react";
import { useAccess } from "@/rpc/session";
import { Button } from "@/ui/button";
import { clsx } from "@/ui/clsx";
import { Icon } from "@/ui/icon";
import { CommandLine } from "@/ui/states";
import { isDone, type Start } from "./start";
import styles from "./start-list.module.css";

/** The first steps with their commands; each is ticked when the server has seen it. */
export function StartList({ start, onClose }: { start: Start; onClose: () => void }) {
  const { tenant, session } = useAccess();
  const origin = window.location.origin;
  const chosen = tenant || session.tenant;
  const scope = chosen === "" ? "" : ` --tenant ${chosen}`;
  return (
    <section className={styles.start} aria-labelledby="start">
      <header className={styles.head}>
        <h2 id="start">{isDone(start) ? "All steps are done" : "Getting started"}</h2>
        <Button kind="quiet" onClick={onClose}>
          {isDone(start) ? "Close" : "Dismiss"}
        </Button>
      </header>
      <ol className={styles.steps}>
        <Step
          label="A key"
          isDone={start.key}
          commands={[
            `export POSTRIDER_URL=${origin}\nexport POSTRIDER_API_KEY=$(cat data/admin-key)`,
          ]}
        >
          You are signed in with the key {session.keyName}. The commands below are for a terminal in
          the folder of Postrider. Elsewhere, put a key of yours in place of the file, and the
          installed <code>postrider</code> in place of <code>bin/postrider</code>.
        </Step>
        <Step
          label="The first event"
          isDone={start.event}
          commands={[
            `bin/postrider publish${scope} shop.v1.OrderCancelled '{"orderId":"42","cancelTime":"2026-11-30T12:00:00Z"}'`,
          ]}
        >
          The command returns when the event is on disk.
        </Step>
        <Step
          label="A receiver"
          isDone={start.receiver}
          commands={[
            `WEBHOOK_SECRET=$(bin/postrider listen${scope} --print-secret) node examples/receivers/receiver.mjs`,
            `bin/postrider listen${scope} --forward-to 3000`,
          ]}
        >
          Start a receiver, and in a second terminal with the same two variables, let events come to
          it. Then publish again.
        </Step>
        <Step
          label="Event types"
          isDone={start.types}
          commands={[`bin/postrider types push${scope} proto`]}
        >
          A schema for each type, from the .proto files of a folder. From then on, events that do
          not fit are refused.
        </Step>
      </ol>
    </section>
  );
}

interface StepProps {
  label: string;
  isDone: boolean;
  commands: readonly string[];
  children: ReactNode;
}

function Step({ label, isDone, commands, children }: StepProps) {
  return (
    <li className={clsx(styles.step, isDone && styles.done)}>
      <span className={styles.tick}>
        {isDone && <Icon name="check" />}
        <span className="visually-hidden">{isDone ? "Done:" : "To do:"}</span>
      </span>
      <div className={styles.body}>
        <h3>{label}</h3>
        <p>{children}</p>
        {commands.map((text) => (
          <CommandLine key={text} text={text} />
        ))}
      </div>
    </li>
  );
}
