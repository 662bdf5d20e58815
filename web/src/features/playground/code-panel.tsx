import { type KeyboardEvent, useId, useState } from "react";
import { useAccess } from "@/rpc/session";
import { clsx } from "@/ui/clsx";
import { CopyButton } from "@/ui/copy";
import { curlLine, type EventAttributes } from "@/ui/format/curl";
import { JsonView } from "@/ui/json/json-view";
import { pretty } from "@/ui/json/pretty";
import styles from "./code-panel.module.css";

/** Code by language, made when it is shown. */
export type CodeTexts = readonly (readonly [language: string, text: () => string])[];

interface Props {
  event: EventAttributes;
  /** Beside JSON and curl, which every event has. */
  panels?: CodeTexts;
}

/** What was filled in, as JSON and as the code that publishes it. */
export function CodePanel({ event, panels = [] }: Props) {
  const { tenant } = useAccess();
  const [tab, setTab] = useState("JSON");
  const id = useId();
  const texts: CodeTexts = [
    ["JSON", () => event.data],
    [
      "curl",
      () => curlLine(window.location.origin, tenant, { ...event, data: pretty(event.data) }),
    ],
    ...panels,
  ];
  const tabs = texts.map(([language]) => language);
  const text = texts.find(([language]) => language === tab)?.[1]() ?? "";
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
            onKeyDown={(pressed) => moveTab(pressed, tabs, tab, setTab)}
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

function moveTab(
  pressed: KeyboardEvent<HTMLElement>,
  tabs: string[],
  from: string,
  go: (tab: string) => void,
): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[pressed.key];
  if (step === undefined) return;
  pressed.preventDefault();
  const at = (tabs.indexOf(from) + step + tabs.length) % tabs.length;
  go(tabs[at] ?? from);
  const list = pressed.currentTarget.parentElement;
  list?.querySelectorAll<HTMLElement>("[role=tab]")[at]?.focus();
}
