import { describe, expect, it } from "vitest";
import { fields, nothing, oneOf, whole } from "./kept";

interface Form {
  name: string;
  isOn: boolean;
  kind: "a" | "b";
  part: { secret: string };
}

const initial: Form = { name: "", isOn: false, kind: "a", part: { secret: "•••" } };
const kept = fields<Form>({
  name: whole(),
  isOn: whole(),
  kind: oneOf(["a", "b"]),
  part: fields({ secret: nothing }),
});
const store = (form: Form): unknown => JSON.parse(JSON.stringify(kept.write(form, initial)));

describe("what is stored of a form", () => {
  it("has the fields that are listed, and the others as they were at first", () => {
    const typed: Form = { name: "n", isOn: true, kind: "b", part: { secret: "topsecret" } };
    expect(JSON.stringify(store(typed))).not.toContain("topsecret");
    expect(kept.read(store(typed), initial)).toEqual({ ...typed, part: { secret: "•••" } });
  });

  it.each([
    [null],
    ["text"],
    [{}],
    [{ name: 1 }],
    [{ kind: "c" }],
    [{ isOn: "yes" }],
    [{ part: null }],
  ])("is not read with %j", (change) => {
    const stored = store(initial);
    const broken =
      typeof change === "object" && change && Object.keys(change).length > 0
        ? { ...(stored as object), ...change }
        : change;
    expect(kept.read(broken, initial)).toBeUndefined();
  });
});
