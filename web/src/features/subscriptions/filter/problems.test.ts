import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { FilterProblemSchema } from "#gen/postrider/v1/subscription_pb";
import { applySuggestion, groupProblems, problemRange } from "./problems";

describe("a problem", () => {
  const at = (column: number, suggestion: string, line = 1) =>
    create(FilterProblemSchema, { line, column, suggestion });

  it.each([
    ["event.data.totl > 3", at(12, "total"), "event.data.total > 3"],
    ["event.total > 3", at(7, "data.total"), "event.data.total > 3"],
    ['event.subject.startWith("x")', at(24, "startsWith"), 'event.subject.startsWith("x")'],
    [
      'event.subject == "é👍" &&\n  event.data.ordr_id == 1',
      at(14, "order_id", 2),
      'event.subject == "é👍" &&\n  event.data.order_id == 1',
    ],
    ['"👍" == event.subjct', at(14, "subject"), '"👍" == event.subject'],
  ])("in %s is mended", (text, problem, want) => {
    expect(applySuggestion(text, problem)).toBe(want);
  });

  it.each([
    ["event.data.total >", 19, ">"],
    ["a == b", 3, "=="],
    ["(a)", 1, "("],
    ["", 1, ""],
  ])("in %j at %d is about %j", (text, column, want) => {
    const { from, to } = problemRange(text, { line: 1, column });
    expect(text.slice(from, to)).toBe(want);
  });
});

it("a problem of several types is told once", () => {
  const problems = ["a", "b"].map((type) =>
    create(FilterProblemSchema, { line: 1, column: 1, message: "undefined field 'x'", type }),
  );
  expect(groupProblems(problems).map(({ types }) => types)).toEqual([["a", "b"]]);
  expect(groupProblems([create(FilterProblemSchema, { message: "syntax" })])[0]?.types).toEqual([]);
});
