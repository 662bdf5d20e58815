import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { ApiKeyScope } from "#gen/postrider/v1/api_key_pb";
import type { Event } from "#gen/postrider/v1/event_pb";
import { readFault } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { Actions, Dialog } from "@/ui/dialog";
import { curlLine } from "@/ui/format/curl";
import { Notice } from "@/ui/states";
import { payloadText } from "./event-data";
import styles from "./event-detail.module.css";
import { withoutDelivery } from "./filter";
import { usePublishCopy } from "./queries";

/** What can be done with an event that is open. */
export function EventActions({ event }: { event: Event }) {
  const { session, tenant, isAdmin } = useAccess();
  const [isResending, setResending] = useState(false);
  const mayPublish = isAdmin || session.scopes.includes(ApiKeyScope.PUBLISH);
  const command = () => {
    const { type, source, subject } = event;
    const data = payloadText(event);
    return curlLine(window.location.origin, tenant, { type, source, subject, data });
  };
  const link = () => {
    const query = tenant === "" ? "" : `?tenant=${encodeURIComponent(tenant)}`;
    return `${window.location.origin}/events/${event.id}${query}`;
  };
  return (
    <div className={styles.actions}>
      {mayPublish && (
        <Button icon="retry" onClick={() => setResending(true)}>
          Resend
        </Button>
      )}
      <CopyButton label="Copy as curl" text={command} />
      <CopyButton label="Copy link" text={link} />
      {isResending && <ResendDialog event={event} onClose={() => setResending(false)} />}
    </div>
  );
}

/** A new event with the same content: the log is never changed, and what was delivered is not delivered again. */
function ResendDialog({ event, onClose }: { event: Event; onClose: () => void }) {
  const { tenant } = useAccess();
  const publish = usePublishCopy();
  // Chosen once, so that a second try after a lost response stores no second copy.
  const [id] = useState(newId);
  const copyId = publish.data?.id;
  const send = () =>
    publish.mutate({
      tenant,
      event: {
        id,
        type: event.type,
        source: event.source,
        subject: event.subject,
        payload: { case: "jsonData", value: payloadText(event) },
      },
    });
  return (
    <Dialog title="Resend this event" onClose={onClose}>
      {copyId === undefined ? (
        <>
          <p>
            A copy is published as a new event, with an id and a time of its own and the same type,
            source, subject and data. Every subscription that selects it receives it, also those
            that received the original: they take it for a new event, not for a repeat.
          </p>
          <p>To repeat only a delivery that failed, open it and choose “Retry now”.</p>
          {publish.isError && <Failure cause={publish.error} />}
          <Actions>
            <Button onClick={onClose}>Cancel</Button>
            <Button kind="main" busy={publish.isPending} onClick={send} data-focus>
              Publish a copy
            </Button>
          </Actions>
        </>
      ) : (
        <>
          <Notice tone="good">
            Published as{" "}
            <Link to="/events/$eventId" params={{ eventId: copyId }} search={withoutDelivery}>
              <code>{copyId}</code>
            </Link>
            .
          </Notice>
          <Actions>
            <Button kind="main" onClick={onClose}>
              Close
            </Button>
          </Actions>
        </>
      )}
    </Dialog>
  );
}

function Failure({ cause }: { cause: unknown }) {
  const { message, fields } = readFault(cause);
  return (
    <Notice tone="bad">
      <p>{message}</p>
      {fields.length > 1 && (
        <ul>
          {fields.map((field) => (
            <li key={`${field.path} ${field.message}`}>
              <code>{field.path}</code>: {field.message}
            </li>
          ))}
        </ul>
      )}
    </Notice>
  );
}

/** crypto.randomUUID exists only on https and localhost. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `copy_${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
