import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useId, useState } from "react";
import type { EventType } from "#gen/postrider/v1/event_type_pb";
import { readFault } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";
import { Button } from "@/ui/button";
import { Actions, Dialog } from "@/ui/dialog";
import { Field, FormFaults, TextArea } from "@/ui/field";
import { Notice } from "@/ui/states";
import { useDeleteEventType, useUpdateEventType } from "./queries";

type Open = "deprecate" | "delete";

/** What can be done to a type as a whole: types belong to the server, so only its own keys may. */
export function Controls({ type }: { type: EventType }) {
  const { isServerScoped } = useAccess();
  const [open, setOpen] = useState<Open>();
  const update = useUpdateEventType();
  const close = () => setOpen(undefined);
  if (!isServerScoped) return null;
  const revive = () =>
    update.mutate({
      eventType: { name: type.name, deprecated: false, deprecationNote: "" },
      updateMask: { paths: ["deprecated", "deprecation_note"] },
    });
  return (
    <>
      {type.deprecated ? (
        <Button busy={update.isPending} onClick={revive}>
          Remove the deprecation
        </Button>
      ) : (
        <Button onClick={() => setOpen("deprecate")}>Deprecate</Button>
      )}
      <Button kind="danger" onClick={() => setOpen("delete")}>
        Delete
      </Button>
      {open === "deprecate" && <DeprecateDialog type={type} onClose={close} />}
      {open === "delete" && <DeleteDialog type={type} onClose={close} />}
    </>
  );
}

interface DialogProps {
  type: EventType;
  onClose: () => void;
}

function DeprecateDialog({ type, onClose }: DialogProps) {
  const [note, setNote] = useState("");
  const update = useUpdateEventType();
  const id = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    update.mutate(
      {
        eventType: { name: type.name, deprecated: true, deprecationNote: note.trim() },
        updateMask: { paths: ["deprecated", "deprecation_note"] },
      },
      { onSuccess: onClose },
    );
  };
  return (
    <Dialog title={`Deprecate ${type.name}?`} onClose={onClose}>
      <p>
        Its events are still accepted and delivered as before. The type is shown as deprecated, with
        your note, to everybody who reads its documentation. You can take this back at any time.
      </p>
      <form id={id} onSubmit={submit}>
        <FormFaults
          fault={update.error ? readFault(update.error) : undefined}
          paths={["event_type.deprecation_note"]}
        >
          <Field
            label="Note"
            path="event_type.deprecation_note"
            hint="The reason, and what to use instead."
          >
            {(control) => (
              <TextArea {...control} value={note} onChange={(e) => setNote(e.target.value)} />
            )}
          </Field>
        </FormFaults>
      </form>
      <Actions>
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="main" type="submit" form={id} busy={update.isPending}>
          Deprecate
        </Button>
      </Actions>
    </Dialog>
  );
}

function DeleteDialog({ type, onClose }: DialogProps) {
  const navigate = useNavigate();
  const remove = useDeleteEventType();
  const submit = () =>
    remove.mutate(
      { name: type.name, revision: type.revision },
      {
        onSuccess: () =>
          void navigate({ to: "/event-types", search: ({ tenant }) => ({ tenant }) }),
      },
    );
  return (
    <Dialog title={`Delete ${type.name}?`} onClose={onClose}>
      <p>
        The schema is deleted with all its versions, for every tenant, and cannot be brought back
        except by registering it again. From then on events of this type are accepted without being
        checked, or refused in tenants that refuse events without a schema.
      </p>
      <p>
        Nothing is lost that is in use: the server refuses while an event of the type is stored or a
        subscription names it.
      </p>
      {remove.isError && <Notice tone="bad">{readFault(remove.error).message}</Notice>}
      <Actions>
        <Button onClick={onClose}>Keep it</Button>
        <Button kind="danger" busy={remove.isPending} onClick={submit}>
          Delete
        </Button>
      </Actions>
    </Dialog>
  );
}
