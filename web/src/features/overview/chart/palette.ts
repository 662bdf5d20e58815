import type { Tone as StatusTone } from "@/theme/status";
import { theme } from "@/theme/theme";

/** The colour of a series: that of a state, or the ink's. */
export type Tone = StatusTone | "ink";

/** The colours of the theme as a canvas understands them. */
export interface Palette {
  label: string;
  grid: string;
  /** What lies behind the chart. */
  sheet: string;
  lines: Record<Tone, string>;
  areas: Record<Tone, string>;
}

/** Colours read off the page at `element`: a canvas knows no custom properties. */
export function readPalette(element: HTMLElement): Palette {
  const probe = document.createElement("span");
  probe.style.transitionProperty = "none";
  element.append(probe);
  const read = (value: string) => {
    probe.style.color = value;
    return getComputedStyle(probe).color;
  };
  const each = (value: (tone: Tone) => string): Record<Tone, string> => ({
    good: read(value("good")),
    wait: read(value("wait")),
    warn: read(value("warn")),
    bad: read(value("bad")),
    idle: read(value("idle")),
    ink: read(value("ink")),
  });
  const palette = {
    label: read("var(--ink-faint)"),
    grid: read("var(--line)"),
    sheet: read("var(--sheet)"),
    lines: each((tone) => `var(--${tone})`),
    areas: each((tone) => `color-mix(in srgb, var(--${tone}) 14%, transparent)`),
  };
  probe.remove();
  return palette;
}

/** Calls back when the theme has changed, by hand or by the system. */
export function onThemeChange(changed: () => void): () => void {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", changed);
  const leave = theme.subscribe(changed);
  return () => {
    system.removeEventListener("change", changed);
    leave();
  };
}
