import { describe, expect, it } from "vitest";
import { createStore } from "@/store/store";
import { type Claimant, StreamSlot } from "./slot";
import type { LiveState } from "./state";

function claimant() {
  const state = createStore<LiveState>({ kind: "idle" });
  return {
    state,
    start: () => state.set({ kind: "live" }),
    stop: (held?: boolean) => state.set({ kind: held ? "held" : "idle" }),
    retryNow: () => {},
  } satisfies Claimant;
}

const kinds = (...streams: Claimant[]) => streams.map(({ state }) => state.get().kind);

describe("StreamSlot", () => {
  it("runs one stream at a time, and the list again after the detail", () => {
    const slot = new StreamSlot();
    const [list, detail] = [claimant(), claimant()];
    const leaveList = slot.claim(list, "list");
    const leaveDetail = slot.claim(detail, "detail");
    expect(kinds(list, detail)).toEqual(["held", "live"]);
    leaveDetail();
    expect(kinds(list, detail)).toEqual(["live", "idle"]);
    leaveList();
    expect(kinds(list, detail)).toEqual(["idle", "idle"]);
    expect(slot.state.get().kind).toBe("idle");
  });

  it("prefers the detail also when the list comes later, as on a shared link", () => {
    const slot = new StreamSlot();
    const [list, detail] = [claimant(), claimant()];
    slot.claim(detail, "detail");
    slot.claim(list, "list");
    expect(kinds(list, detail)).toEqual(["held", "live"]);
  });

  it("runs the newer of two details", () => {
    const slot = new StreamSlot();
    const [first, second] = [claimant(), claimant()];
    const leaveFirst = slot.claim(first, "detail");
    slot.claim(second, "detail");
    leaveFirst();
    expect(kinds(first, second)).toEqual(["idle", "live"]);
  });

  it("shows the state of the stream that runs", () => {
    const slot = new StreamSlot();
    const [list, detail] = [claimant(), claimant()];
    slot.claim(list, "list");
    slot.claim(detail, "detail");
    list.state.set({ kind: "connecting" });
    expect(slot.state.get().kind).toBe("live");
    detail.state.set({ kind: "reconnecting", retryAt: 1 });
    expect(slot.state.get().kind).toBe("reconnecting");
  });
});
