import { type ReactNode, useState } from "react";
import type { Attempt } from "#gen/postrider/v1/delivery_pb";
import type { FilterResult, Subscription } from "#gen/postrider/v1/subscription_pb";
import { readFault } from "@/rpc/fault";
import { Button } from "@/ui/button";
import { Actions, Dialog } from "@/ui/dialog";
import { Field, Select } from "@/ui/field";
import { clock } from "@/ui/format/time";
import { Notice } from "@/ui/states";
import { useTestEvents, useTestSubscription } from "./queries";
import { placeOf } from "./targets/registry";

interface Props {
  subscription: Subscription;
  renderAttempt: (attempt: Attempt) => ReactNode;
  onClose: () => void;
}

/** Sends one event to the target, made up or a copy of a stored one, and shows the attempt. */
export function TestDialog({ subscription, renderAttempt, onClose }: Props) {
  const test = useTestSubscription();
  const stored = useTestEvents(subscription.filter?.types ?? []);
  const [eventId, setEventId] = useState("");
  const attempt = test.data?.attempt;
  return (
    <Dialog title={`Test ${subscription.name}`} onClose={onClose}>
      <p>
        Sends an event to <code>{placeOf(subscription)}</code> now and shows the response. It has an
        id of its own, and nothing is stored in the log.
      </p>
      <Field label="Event" hint={hint(stored.data?.results, stored.error)}>
        {(control) => (
          <Select {...control} value={eventId} onChange={({ target }) => setEventId(target.value)}>
            <option value="">A made-up event</option>
            {stored.data?.results.map((result) => (
              <option key={result.eventId} value={result.eventId}>
                {result.eventType}
                {result.acceptTime && `, ${clock(result.acceptTime)}`}, {result.eventId}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {test.isError && <Notice tone="bad">{readFault(test.error).message}</Notice>}
      {attempt && <div aria-live="polite">{renderAttempt(attempt)}</div>}
      <Actions>
        <Button onClick={onClose}>Close</Button>
        <Button
          kind="main"
          busy={test.isPending}
          onClick={() => test.mutate({ id: subscription.id, eventId })}
        >
          {attempt ? "Send again" : "Send test event"}
        </Button>
      </Actions>
    </Dialog>
  );
}

function hint(stored: FilterResult[] | undefined, cause: unknown): string {
  if (cause) return `Stored events could not be read: ${readFault(cause).message}`;
  if (stored?.length === 0) return "No event of the subscribed types is stored yet.";
  return "A copy of a stored event of the subscribed types, also one that the expression does not select.";
}
