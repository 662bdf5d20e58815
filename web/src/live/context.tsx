import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { useStore } from "@/store/store";
import { type HookStream, Place } from "./place";
import type { Rank, StreamSlot } from "./slot";
import type { LiveState } from "./state";

const SlotContext = createContext<StreamSlot | undefined>(undefined);

export function SlotProvider({ slot, children }: { slot: StreamSlot; children: ReactNode }) {
  return <SlotContext value={slot}>{children}</SlotContext>;
}

export function useSlot(): StreamSlot {
  const slot = useContext(SlotContext);
  if (!slot) throw new Error("useSlot needs a SlotProvider above it");
  return slot;
}

/**
 * Requests the tab's only stream slot while the component shows a stream and wants it; `isOn` reports whether it has
 * it.
 */
export function usePlace(rank: Rank, isWanted = true): Place {
  const [place] = useState(() => new Place());
  const slot = useSlot();
  useEffect(() => (isWanted ? slot.claim(place, rank) : undefined), [slot, place, rank, isWanted]);
  return place;
}

/** Reports the state of the stream to the slot, and with it to the page's header. */
export function useLiveState(place: Place, { status, retryNow }: HookStream): LiveState {
  useEffect(() => place.show({ status, retryNow }), [place, status, retryNow]);
  return useStore(place.state);
}
