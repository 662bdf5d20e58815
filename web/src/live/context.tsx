import { createContext, type ReactNode, useContext, useEffect } from "react";
import type { Claimant, Rank, StreamSlot } from "./slot";

const SlotContext = createContext<StreamSlot | undefined>(undefined);

export function SlotProvider({ slot, children }: { slot: StreamSlot; children: ReactNode }) {
  return <SlotContext value={slot}>{children}</SlotContext>;
}

export function useSlot(): StreamSlot {
  const slot = useContext(SlotContext);
  if (!slot) throw new Error("useSlot needs a SlotProvider above it");
  return slot;
}

/** Runs the stream in the tab's one place for as long as the component shows it. */
export function useClaim(stream: Claimant | undefined, rank: Rank): void {
  const slot = useSlot();
  useEffect(() => (stream ? slot.claim(stream, rank) : undefined), [slot, stream, rank]);
}
