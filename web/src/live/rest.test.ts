import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Place } from "./place";
import { restWhileHidden } from "./rest";
import { StreamSlot } from "./slot";

let stop: () => void = () => {};
beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  stop();
  vi.useRealTimers();
});

function show(state: DocumentVisibilityState): void {
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(state);
  document.dispatchEvent(new Event("visibilitychange"));
}

function claimed(): { slot: StreamSlot; place: Place } {
  const [slot, place] = [new StreamSlot(), new Place()];
  slot.claim(place, "list");
  return { slot, place };
}

describe("restWhileHidden", () => {
  it("lets the stream go when the tab stays hidden, and takes it up when it is shown", () => {
    const { slot, place } = claimed();
    stop = restWhileHidden(slot);
    show("hidden");
    expect(place.isOn.get()).toBe(true);
    vi.advanceTimersByTime(5000);
    expect([place.isOn.get(), place.state.get().kind]).toEqual([false, "idle"]);
    show("visible");
    expect(place.isOn.get()).toBe(true);
  });

  it("keeps the stream of a tab that is hidden for a moment", () => {
    const { slot, place } = claimed();
    const heard = vi.fn();
    place.isOn.subscribe(heard);
    stop = restWhileHidden(slot);
    show("hidden");
    vi.advanceTimersByTime(1000);
    show("visible");
    vi.advanceTimersByTime(60_000);
    expect(heard).not.toHaveBeenCalled();
  });

  it("opens no stream in a tab that was opened in the background", () => {
    vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    const { slot, place } = claimed();
    stop = restWhileHidden(slot);
    expect(place.isOn.get()).toBe(false);
    const late = new Place();
    slot.claim(late, "detail");
    expect(late.isOn.get()).toBe(false);
    show("visible");
    expect([late.isOn.get(), place.state.get().kind]).toEqual([true, "held"]);
  });
});
