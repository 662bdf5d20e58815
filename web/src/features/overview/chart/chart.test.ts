import { describe, expect, it } from "vitest";
import { moveCrosshair } from "./crosshair";
import { decades, niceTop, powersOfTen } from "./scale";

describe("the crosshair", () => {
  const times = Array.from({ length: 30 }, (_, i) => i * 1000);

  it.each([
    ["ArrowLeft", undefined, 29_000],
    ["ArrowLeft", 5000, 4000],
    ["ArrowLeft", 0, 0],
    ["ArrowRight", 5000, 6000],
    ["ArrowRight", undefined, 29_000],
    ["PageDown", 15_000, 5000],
    ["PageUp", 25_000, 29_000],
    ["Home", 5000, 0],
    ["End", 5000, 29_000],
    ["Escape", 5000, undefined],
    ["x", 5000, null],
  ])("on %s from %s goes to %s", (key, at, want) => {
    expect(moveCrosshair(key, times, at)).toBe(want);
  });

  it("has nowhere to go without data", () => {
    expect(moveCrosshair("ArrowLeft", [], undefined)).toBeUndefined();
  });
});

describe("scales", () => {
  it.each([
    [1, 2],
    [0.3, 0.5],
    [97, 100],
    [100, 200],
    [130, 200],
    [240, 250],
    [1234, 2000],
  ])("end for %d at %d", (value, want) => {
    expect(niceTop(value)).toBeCloseTo(want);
  });

  it.each([
    [2.1, 1500, [1, 10_000]],
    [3, 4, [1, 100]],
    [null, null, [1, 100]],
  ])("of powers of ten reach from %s to %s", (low, high, want) => {
    expect(decades(low, high)).toEqual(want);
  });

  it("name every power of ten, or every second one", () => {
    expect(powersOfTen(1, 1000)).toEqual([1, 10, 100, 1000]);
    expect(powersOfTen(1, 1e6)).toEqual([1, 100, 1e4, 1e6]);
  });
});
