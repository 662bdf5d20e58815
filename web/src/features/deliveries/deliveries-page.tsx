import { type FormEvent, useEffect, useState } from "react";
import { Input } from "@/ui/field";
import { splitList } from "@/ui/format/list";
import { Page } from "@/ui/page";
import styles from "./deliveries-page.module.css";
import { DeliveryTable } from "./delivery-table";
import { StateFilter, type StateName, statesOf } from "./state-filter";

/** What the page is narrowed to; kept in the URL. */
export interface DeliveryFilter {
  state: StateName | undefined;
  /** An id or a name. */
  subscription: string;
  /** Patterns, separated by commas. */
  types: string;
}

interface Props {
  filter: DeliveryFilter;
  openId: string | undefined;
  onChange: (change: Partial<DeliveryFilter>) => void;
}

/** The deliveries of the tenant, whichever subscription they are for. */
export function DeliveriesPage({ filter, openId, onChange }: Props) {
  const { state, subscription, types } = filter;
  const isNarrowed = Boolean(state || subscription || types);
  return (
    <Page
      title="Deliveries"
      actions={<StateFilter chosen={state} onChoose={(name) => onChange({ state: name })} />}
    >
      <search className={styles.filters}>
        <TextFilter
          label="Subscription"
          value={subscription}
          onApply={(text) => onChange({ subscription: text })}
        />
        <TextFilter
          label="Event types"
          value={types}
          onApply={(text) => onChange({ types: splitList(text).join(",") })}
        />
      </search>
      <DeliveryTable
        key={`${subscription} ${types}`}
        subscription={subscription}
        states={statesOf(state) ?? []}
        types={splitList(types)}
        openId={openId}
        empty={isNarrowed ? "No delivery is in this state." : "No deliveries yet."}
      />
    </Page>
  );
}

/** A text that takes effect with Enter, or when it is left. */
function TextFilter(props: { label: string; value: string; onApply: (text: string) => void }) {
  const { label, value, onApply } = props;
  const [text, setText] = useState(value);
  // Back, forward and links change the URL from outside.
  useEffect(() => setText(value), [value]);
  const apply = (event?: FormEvent) => {
    event?.preventDefault();
    if (text.trim() !== value) onApply(text.trim());
  };
  return (
    <form onSubmit={apply}>
      <Input
        mono
        aria-label={label}
        placeholder={label}
        value={text}
        onChange={({ target }) => setText(target.value)}
        onBlur={() => apply()}
      />
    </form>
  );
}
