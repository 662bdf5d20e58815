import { createStore, type Store } from "@/store/store";

export type Theme = "system" | "light" | "dark";

const storageKey = "postrider.theme";
const next: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

const store = createStore<Theme>(stored());

export const theme: Store<Theme> = store;

/** Switches to the next of system, light, dark, and stores it. public/theme.js applies it before the first paint. */
export function cycleTheme(): void {
  const chosen = next[store.get()];
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  // After the page has it: who listens may read colours off the page.
  store.set(chosen);
  try {
    localStorage.setItem(storageKey, chosen);
  } catch {
    // Storage is blocked: the choice holds until the page is closed.
  }
}

function stored(): Theme {
  try {
    const value = localStorage.getItem(storageKey);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}
