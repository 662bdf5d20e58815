import { Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useEffect, useId, useState } from "react";
import { Input, Select } from "@/ui/field";
import styles from "./event-filters.module.css";
import { type EventSearch, isEmptyFilter, readFilter, splitTypes, typesFault } from "./filter";

const spans: Record<string, [label: string, minutes: number]> = {
  "15": ["Last 15 minutes", 15],
  "60": ["Last hour", 60],
  "1440": ["Last 24 hours", 1440],
  "10080": ["Last 7 days", 10_080],
};

/** What the list is narrowed to. Every change goes to the URL, and the list follows the URL. */
export function EventFilters({ search }: { search: EventSearch }) {
  const navigate = useNavigate();
  const [types, setTypes] = useState(search.types ?? "");
  const [subject, setSubject] = useState(search.subject ?? "");
  const faultId = useId();
  // Back, forward and links change the URL from outside.
  useEffect(() => setTypes(search.types ?? ""), [search.types]);
  useEffect(() => setSubject(search.subject ?? ""), [search.subject]);

  const fault = typesFault(splitTypes(types));
  const go = (change: EventSearch) =>
    void navigate({ to: ".", search: (before) => ({ ...before, ...change }) });
  const apply = (event?: FormEvent) => {
    event?.preventDefault();
    const wanted = splitTypes(types).join(",") || undefined;
    if (fault || (wanted === search.types && (subject || undefined) === search.subject)) return;
    go({ types: wanted, subject: subject || undefined });
  };

  return (
    <div role="search" className={styles.search}>
      <form className={styles.form} onSubmit={apply}>
        <Input
          id="event-types"
          mono
          aria-label="Event types"
          aria-describedby={fault && faultId}
          aria-invalid={fault !== undefined || undefined}
          placeholder="Types: order.*, shop.v1.*"
          className={styles.types}
          value={types}
          onChange={(event) => setTypes(event.target.value)}
          onBlur={() => apply()}
        />
        <Input
          mono
          aria-label="Subject"
          placeholder="Subject"
          className={styles.subject}
          value={subject}
          onChange={(event) => setSubject(event.target.value)}
          onBlur={() => apply()}
        />
        <TimeFilter search={search} go={go} />
        <button type="submit" className="visually-hidden" tabIndex={-1}>
          Apply
        </button>
        {!isEmptyFilter(readFilter(search)) && (
          <Link to="." search={({ tenant }) => ({ tenant })} className={styles.clear}>
            Clear
          </Link>
        )}
      </form>
      {fault && (
        <p id={faultId} className={styles.fault} role="alert">
          {fault}
        </p>
      )}
    </div>
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
