import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { IconButton } from "@/ui/button";
import { Input, Select } from "@/ui/field";
import styles from "./event-filters.module.css";
import { type EventSearch, isEmptyFilter, readFilter, withoutDelivery } from "./filter";
import { SearchBox, searchBoxId } from "./search-box";

const spans: Record<string, [label: string, minutes: number]> = {
  "15": ["Last 15 minutes", 15],
  "60": ["Last hour", 60],
  "1440": ["Last 24 hours", 1440],
  "10080": ["Last 7 days", 10_080],
};

interface Props {
  search: EventSearch;
  /** The types of the events that are loaded. */
  seenTypes: () => readonly string[];
}

/** What the list is narrowed to. Every change goes to the URL, and the list follows the URL. */
export function EventFilters({ search, seenTypes }: Props) {
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const { types } = readFilter(search);
  const go = (change: EventSearch) =>
    void navigate({ to: ".", search: (before) => ({ ...before, ...change }) });
  const setTypes = (next: string[]) => go({ types: [...new Set(next)].join(",") || undefined });
  const edit = (part: string) => {
    setText(part);
    document.getElementById(searchBoxId)?.focus();
  };
  const all: (Omit<Part, "value"> & { value: string | undefined })[] = [
    ...types.map((type) => ({
      name: "Type",
      value: type,
      remove: () => setTypes(types.filter((other) => other !== type)),
      edit: () => {
        setTypes(types.filter((other) => other !== type));
        edit(type);
      },
    })),
    {
      name: "Subject",
      value: search.subject,
      remove: () => go({ subject: undefined }),
      edit: () => edit(`subject:${search.subject}`),
    },
    {
      name: "CEL",
      value: search.expression,
      remove: () => go({ expression: undefined }),
      edit: () => edit(`cel:${search.expression}`),
    },
  ];
  const parts = all.filter((part): part is Part => part.value !== undefined);
  return (
    <div role="search" className={styles.search}>
      <div className={styles.form}>
        <SearchBox
          text={text}
          onText={setText}
          types={types}
          seenTypes={seenTypes}
          onTakeBack={() => parts.at(-1)?.remove()}
          onChoose={(meaning) => {
            switch (meaning.kind) {
              case "types":
                return setTypes([...types, ...meaning.types]);
              case "subject":
                return go({ subject: meaning.subject });
              case "expression":
                return go({ expression: meaning.expression });
              default:
                void navigate({
                  to: "/events/$eventId",
                  params: { eventId: meaning.id },
                  search: withoutDelivery,
                });
            }
          }}
        />
        <TimeFilter search={search} go={go} />
      </div>
      {!isEmptyFilter(readFilter(search)) && <Parts parts={parts} />}
    </div>
  );
}

/** One condition of the filter. */
interface Part {
  name: string;
  value: string;
  remove: () => void;
  /** Takes it back into the search box. */
  edit: () => void;
}

function Parts({ parts }: { parts: Part[] }) {
  return (
    <ul className={styles.parts} aria-label="Conditions">
      {parts.map(({ name, value, remove, edit }) => (
        <li key={`${name} ${value}`} className={styles.part}>
          <button type="button" className={styles.edit} title="Change it" onClick={edit}>
            <span className={styles.name}>{name}</span> <code>{value}</code>
          </button>
          <IconButton
            icon="close"
            label={`Remove ${name} ${value}`}
            className={styles.remove}
            onClick={remove}
          />
        </li>
      ))}
      <li>
        <Link to="." search={({ tenant }) => ({ tenant })} className={styles.clear}>
          Clear
        </Link>
      </li>
    </ul>
  );
}

function TimeFilter({ search, go }: { search: EventSearch; go: (change: EventSearch) => void }) {
  const [custom, setCustom] = useState(false);
  const isSet = Boolean(search.from || search.to);
  const choose = (value: string) => {
    setCustom(value === "custom");
    if (value === "custom") return;
    const span = spans[value];
    const from = span && new Date(Date.now() - span[1] * 60_000).toISOString();
    go({ from, to: undefined });
  };
  return (
    <>
      <Select
        aria-label="Time"
        className={styles.time}
        value={isSet || custom ? "custom" : "any"}
        onChange={(event) => choose(event.target.value)}
      >
        <option value="any">Any time</option>
        {Object.entries(spans).map(([value, [label]]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
        <option value="custom">From … to …</option>
      </Select>
      {(isSet || custom) && (
        <>
          <InstantInput label="From" value={search.from} onChange={(from) => go({ from })} />
          <span aria-hidden="true">–</span>
          <InstantInput label="To" value={search.to} onChange={(to) => go({ to })} />
        </>
      )}
    </>
  );
}

function InstantInput(props: {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}) {
  const { label, value, onChange } = props;
  return (
    <Input
      type="datetime-local"
      step="1"
      aria-label={label}
      className={styles.instant}
      defaultValue={value && localInput(value)}
      key={value}
      onBlur={(event) => {
        const typed = event.target.value;
        if (typed === (value && localInput(value)) || (typed === "" && !value)) return;
        onChange(typed === "" ? undefined : new Date(typed).toISOString());
      }}
    />
  );
}

/** An instant as the input writes it: local time, no zone. */
function localInput(instant: string): string {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
