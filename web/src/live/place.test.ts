import { describe, expect, it, vi } from "vitest";
import { Place } from "./place";
import { StreamSlot } from "./slot";

const stream = (state: "connecting" | "live") => ({ status: { state }, retryNow: vi.fn() });

describe("Place", () => {
  it("lets its stream run while the slot is its own, and says where it is", () => {
    const slot = new StreamSlot();
    const [list, detail] = [new Place(), new Place()];
    slot.claim(list, "list");
    list.show(stream("live"));
    expect([list.isOn.get(), slot.state.get().kind]).toEqual([true, "live"]);
    const leave = slot.claim(detail, "detail");
    expect([list.isOn.get(), list.state.get().kind]).toEqual([false, "held"]);
    // What the stream says when it is put aside.
    list.show(stream("connecting"));
    expect(list.state.get().kind).toBe("held");
    expect([detail.isOn.get(), slot.state.get().kind]).toEqual([true, "connecting"]);
    leave();
    expect([list.isOn.get(), detail.state.get().kind]).toEqual([true, "idle"]);
  });

  it("cuts the wait of its stream short", () => {
    const slot = new StreamSlot();
    const place = new Place();
    slot.claim(place, "list");
    const shown = stream("connecting");
    place.show(shown);
    slot.retryNow();
    expect(shown.retryNow).toHaveBeenCalledOnce();
  });
});
