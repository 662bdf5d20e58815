import type { DescMessage } from "@bufbuild/protobuf";
import { type FormEvent, useId, useState } from "react";
import { Button } from "@/ui/button";
import { Actions, Dialog } from "@/ui/dialog";
import { Field, LiveFaults, TextArea } from "@/ui/field";
import { pretty } from "@/ui/json/pretty";
import type { MessageDraft } from "./draft";
import { fillFromJson } from "./fill";

interface Props {
  desc: DescMessage;
  /** What the form holds now. */
  data: string;
  onFill: (draft: MessageDraft) => void;
  onClose: () => void;
}

/** Fills the form from a payload that is pasted. */
export function JsonDialog({ desc, data, onFill, onClose }: Props) {
  const [text, setText] = useState(() => pretty(data));
  const [fault, setFault] = useState<string>();
  const id = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const filled = fillFromJson(desc, text);
    if (!filled) setFault("This is not a JSON object.");
    else if (filled.ignored.length > 0) setFault(unknown(filled.ignored));
    else onFill(filled.draft);
  };
  return (
    <Dialog title="Fill in from JSON" onClose={onClose}>
      <form id={id} onSubmit={submit}>
        <LiveFaults faults={fault ? [{ path: "data", message: fault }] : []}>
          <Field label="Data" path="data" hint="Only the payload, without the event's attributes.">
            {(control) => (
              <TextArea
                {...control}
                rows={16}
                spellCheck={false}
                value={text}
                onChange={(event) => setText(event.target.value)}
              />
            )}
          </Field>
        </LiveFaults>
      </form>
      <Actions>
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="main" type="submit" form={id}>
          Fill in
        </Button>
      </Actions>
    </Dialog>
  );
}

function unknown(paths: string[]): string {
  const shown = paths.slice(0, 5).join(", ");
  const rest = paths.length > 5 ? ` and ${paths.length - 5} more` : "";
  return `The schema has no place for ${shown}${rest}.`;
}
