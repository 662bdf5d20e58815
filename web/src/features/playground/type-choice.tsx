import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { Field, Input, LiveFaults } from "@/ui/field";
import styles from "./playground-page.module.css";

/** The names that the server takes; its contract has the same pattern. */
const typeName = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
const maxLength = 255;

interface Props {
  /** Types with a schema, to choose from; any other name is one without. */
  names: string[];
  type: string;
}

/** Chooses the type of the event. A registered name is taken while one types, any other with Enter or on leaving the field. */
export function TypeChoice({ names, type }: Props) {
  const navigate = useNavigate();
  const [text, setText] = useState(type);
  const [isFaulty, setFaulty] = useState(false);
  const choose = (value: string) => {
    const isName = typeName.test(value) && value.length <= maxLength;
    setFaulty(!isName);
    if (!isName || value === type) return;
    void navigate({ to: "/playground", search: ({ tenant }) => ({ tenant, type: value }) });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    choose(text.trim());
  };
  const fault = {
    path: "type",
    message: "Write a name such as order.created: letters, digits, “_” and “-” between dots.",
  };
  return (
    <form className={styles.type} onSubmit={submit} noValidate>
      <LiveFaults faults={isFaulty ? [fault] : []}>
        <Field label="Event type" path="type">
          {(control) => (
            <Input
              {...control}
              mono
              list="playground-types"
              value={text}
              onFocus={(event) => event.target.select()}
              onChange={({ target: { value } }) => {
                setText(value);
                setFaulty(false);
                if (names.includes(value)) choose(value);
              }}
              onBlur={() => choose(text.trim())}
            />
          )}
        </Field>
      </LiveFaults>
      <datalist id="playground-types">
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </form>
  );
}
