import { createContext, useContext } from "react";
import { createStore, type WritableStore } from "@/store/store";

/** The instant that is looked at in all charts at once; undefined when none is. */
export type Crosshair = WritableStore<number | undefined>;

export function createCrosshair(): Crosshair {
  return createStore<number | undefined>(undefined);
}

export const CrosshairContext = createContext<Crosshair>(createCrosshair());

export function useCrosshair(): Crosshair {
  return useContext(CrosshairContext);
}

/**
 * The position of the crosshair after a key, among `times`; undefined removes it, null means that the key is not
 * handled.
 */
export function moveCrosshair(
  key: string,
  times: readonly number[],
  at: number | undefined,
): number | undefined | null {
  const last = times.length - 1;
  const slot = at === undefined ? last + 1 : times.indexOf(at);
  const target = targetSlot(key, slot, last);
  return target === undefined || target === null
    ? target
    : times[Math.max(0, Math.min(last, target))];
}

/** How far PageUp and PageDown go. */
const page = 10;

function targetSlot(key: string, slot: number, last: number): number | undefined | null {
  switch (key) {
    case "ArrowLeft":
    case "ArrowDown":
      return slot - 1;
    case "ArrowRight":
    case "ArrowUp":
      return slot + 1;
    case "PageDown":
      return slot - page;
    case "PageUp":
      return slot + page;
    case "Home":
      return 0;
    case "End":
      return last;
    case "Escape":
      return undefined;
    default:
      return null;
  }
}
