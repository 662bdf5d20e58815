import type { LiveStatus } from "@postrider/client";
import { describe, expect, it } from "vitest";
import { Place } from "./place";
import { StreamSlot } from "./slot";

const kinds = (...places: Place[]) => places.map(({ state }) => state.get().kind);

const told = (status: LiveStatus) => ({ status, retryNow: () => {} });

describe("StreamSlot", () => {
  it("runs one stream at a time, and the list again after the detail", () => {
    const slot = new StreamSlot();
    const [list, detail] = [new Place(), new Place()];
    const leaveList = slot.claim(list, "list");
    const leaveDetail = slot.claim(detail, "detail");
    expect(kinds(list, detail)).toEqual(["held", "connecting"]);
    leaveDetail();
    expect(kinds(list, detail)).toEqual(["connecting", "idle"]);
    leaveList();
    expect(kinds(list, detail)).toEqual(["idle", "idle"]);
    expect(slot.state.get().kind).toBe("idle");
  });

  it("prefers the detail also when the list comes later, as on a shared link", () => {
    const slot = new StreamSlot();
    const [list, detail] = [new Place(), new Place()];
    slot.claim(detail, "detail");
    slot.claim(list, "list");
    expect(kinds(list, detail)).toEqual(["held", "connecting"]);
  });

  it("runs the newer of two details", () => {
    const slot = new StreamSlot();
    const [first, second] = [new Place(), new Place()];
    const leaveFirst = slot.claim(first, "detail");
    slot.claim(second, "detail");
    leaveFirst();
    expect(kinds(first, second)).toEqual(["idle", "connecting"]);
  });

  it("shows the state of the stream that runs", () => {
    const slot = new StreamSlot();
    const [list, detail] = [new Place(), new Place()];
    slot.claim(list, "list");
    slot.claim(detail, "detail");
    list.show(told({ state: "offline" }));
    expect(slot.state.get().kind).toBe("connecting");
    detail.show(told({ state: "live" }));
    expect(slot.state.get().kind).toBe("live");
  });
});
