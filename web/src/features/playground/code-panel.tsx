import type { DescMessage } from "@bufbuild/protobuf";
import { type KeyboardEvent, useId, useMemo, useState } from "react";
import { useAccess } from "@/rpc/session";
import { clsx } from "@/ui/clsx";
import { CopyButton } from "@/ui/copy";
import { JsonView } from "@/ui/json/json-view";
import { pretty } from "@/ui/json/pretty";
import { goCode } from "./code-go";
import styles from "./code-panel.module.css";
import { typescriptCode } from "./code-typescript";
import { curlLine, type EventAttributes } from "./curl";
import type { MessageDraft } from "./draft";

interface Props {
  desc: DescMessage;
  draft: MessageDraft;
  event: EventAttributes;
}

const tabs = ["JSON", "curl", "Go", "TypeScript"] as const;
type Tab = (typeof tabs)[number];

/** What was filled in, as JSON and as the code that publishes it. */
export function CodePanel({ desc, draft, event }: Props) {
  const { tenant } = useAccess();
  const [tab, setTab] = useState<Tab>("JSON");
  const id = useId();
  const text = useMemo(() => {
    switch (tab) {
      case "JSON":
        return event.data;
      case "curl":
        return curlLine(window.location.origin, tenant, { ...event, data: pretty(event.data) });
      case "Go":
        return goCode(desc, draft);
      case "TypeScript":
        return typescriptCode(desc, draft);
    }
  }, [tab, desc, draft, event, tenant]);
  return (
    <section aria-label="As code">
      <div role="tablist" aria-label="As code" className={styles.tabs}>
        {tabs.map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`${id}-${name}`}
            aria-selected={name === tab}
            aria-controls={`${id}-panel`}
            tabIndex={name === tab ? 0 : -1}
            className={clsx(styles.tab, name === tab && styles.chosen)}
            onClick={() => setTab(name)}
            onKeyDown={(pressed) => moveTab(pressed, tab, setTab)}
          >
            {name}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${tab}`}>
        {tab === "JSON" ? (
          <JsonView text={text} label="Data" />
        ) : (
          <div className={styles.code}>
            <pre tabIndex={0}>{text}</pre>
            <CopyButton text={text} iconLabel={`Copy the ${tab}`} />
          </div>
        )}
      </div>
    </section>
  );
}

function moveTab(pressed: KeyboardEvent<HTMLElement>, from: Tab, go: (tab: Tab) => void): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[pressed.key];
  if (step === undefined) return;
  pressed.preventDefault();
  const at = (tabs.indexOf(from) + step + tabs.length) % tabs.length;
  go(tabs[at] ?? from);
  const list = pressed.currentTarget.parentElement;
  list?.querySelectorAll<HTMLElement>("[role=tab]")[at]?.focus();
}
