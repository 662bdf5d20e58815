import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { parseDuration, shortDuration, writeDuration } from "./duration";
import { percentText, shortNumber } from "./number";
import { compareTimes, relative } from "./time";

describe("parseDuration", () => {
  it.each([
    ["5s", 5000],
    ["100ms", 100],
    ["5 min", 300_000],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["7d", 604_800_000],
  ])("reads %j", (text, want) => {
    expect(parseDuration(text)).toBe(want);
  });

  it.each(["", "5", "s", "-5s", "5 x", "5s,"])("refuses %j", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it.each([0, 100, 1500, 5000, 300_000, 5_400_000, 86_400_000])("reads back %d ms", (ms) => {
    expect(parseDuration(writeDuration(ms))).toBe(ms);
  });
});

it.each([
  [0.42, "0.4 ms"],
  [12.4, "12 ms"],
  [1250, "1.25 s"],
  [15_000, "15.0 s"],
  [90_000, "1.5 min"],
  [7_200_000, "2.0 h"],
])("shortDuration writes %d as %j", (ms, want) => {
  expect(shortDuration(ms)).toBe(want);
});

it.each([
  [0, "now"],
  [-12_000, "12 s ago"],
  [240_000, "in 4 min"],
  [-7_300_000, "2 h ago"],
  [259_200_000, "in 3 d"],
])("relative writes %d ms as %j", (distance, want) => {
  expect(relative(timestampFromMs(1e12 + distance), 1e12)).toBe(want);
});

it("compareTimes sees nanoseconds, and puts an absent time first", () => {
  const early = { ...timestampFromMs(1000), nanos: 1 };
  const late = { ...timestampFromMs(1000), nanos: 2 };
  expect(compareTimes(early, late)).toBeLessThan(0);
  expect(compareTimes(undefined, early)).toBeLessThan(0);
  expect(compareTimes(undefined, undefined)).toBe(0);
});

it.each([
  [100, "100 %"],
  [99.97, "99.9 %"],
  [31.4, "31 %"],
  [0.2, "<1 %"],
  [0, "0 %"],
])("percentText writes %d as %j", (percent, want) => {
  expect(percentText(percent)).toBe(want);
});

it.each([
  [0, "0"],
  [0.02, "<0.1"],
  [0.42, "0.4"],
  [9.97, "10"],
  [12, "12"],
  [999.6, "1,000"],
  [9999, "9,999"],
  [12_345, "12.3k"],
  [123_456, "123k"],
  [1_250_000, "1.3M"],
])("shortNumber writes %d as %j", (value, want) => {
  expect(shortNumber(value)).toBe(want);
});
