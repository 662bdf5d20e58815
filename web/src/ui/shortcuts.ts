import { useEffect, useRef } from "react";

type Shortcuts = Record<string, () => void>;

/**
 * Single-key shortcuts ("/", "j", "esc") while the component is shown. They rest while someone types or a dialog is
 * open; Escape is the exception in an input, where it only leaves the input.
 */
export function useShortcuts(shortcuts: Shortcuts): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const key = shortcutOf(event);
      const act = key === undefined ? undefined : latest.current[key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}

/** The key as a shortcut; undefined while it is not for us. */
function shortcutOf(event: KeyboardEvent): string | undefined {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return undefined;
  if (document.querySelector("dialog[open]")) return undefined;
  const key = event.key === "Escape" ? "esc" : event.key;
  if (!isTyping(event.target)) return key;
  if (key === "esc" && event.target instanceof HTMLElement) event.target.blur();
  return undefined;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]")
  );
}

/** Moves the focus among the links marked data-row in document order, `step` rows on. */
export function moveRowFocus(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const at = rows.findIndex((row) => row.matches(":focus"));
  const next = at === -1 ? (step === 1 ? 0 : rows.length - 1) : at + step;
  rows[Math.max(0, Math.min(rows.length - 1, next))]?.focus();
}
