import { Dialog } from "@/ui/dialog";
import { CommandLine } from "@/ui/states";
import styles from "./register.module.css";

const schema = `syntax = "proto3";
package shop.v1;

import "postrider/v1/option.proto";

// A customer placed an order.
message OrderPlaced {
  option (postrider.v1.event) = {subject: "order_id"};

  string order_id = 1;
  int64 total_cents = 2;
}`;

/** Commands that work as they stand in a shell, in this order, for the server that the page is from. */
function commands(origin: string) {
  return {
    file: `mkdir -p events && cat > events/order.proto <<'END'\n${schema}\nEND`,
    login: `postrider login ${origin}`,
    push: `postrider types push events --server ${origin}`,
    curl: [
      "curl -sS -H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/json' \\",
      `  -d '${JSON.stringify({ files: [{ path: "order.proto", content: schema }] })}' \\`,
      `  ${origin}/postrider.v1.EventTypeService/RegisterEventTypes`,
    ].join("\n"),
  };
}

/** How to register event types, with commands to copy. */
export function RegisterSteps() {
  const { file, login, push, curl } = commands(window.location.origin);
  return (
    <>
      <ol className={styles.steps}>
        <li>
          <p>
            Write the schema. The option marks a message as an event; messages without it are parts
            of events.
          </p>
          <CommandLine text={file} />
        </li>
        <li>
          <p>Sign in with an admin key of the server. This is needed once.</p>
          <CommandLine text={login} />
        </li>
        <li>
          <p>
            Register every marked message in the folder. Run it again after each change: a change
            that would break readers is refused.
          </p>
          <CommandLine text={push} />
        </li>
      </ol>
      <details className={styles.other}>
        <summary>Without the command line tool</summary>
        <p>KEY is an admin key of the server.</p>
        <CommandLine text={curl} />
      </details>
    </>
  );
}

export function RegisterDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Register event types" onClose={onClose}>
      <RegisterSteps />
    </Dialog>
  );
}
