import type { DraftFormat } from "@/rpc/draft";
import { fields, nothing, oneOf, whole } from "@/store/kept";
import { covers } from "@/ui/field";
import { type FormState, formTexts } from "./form-state";
import { keptTargets, kindNames } from "./targets/registry";

/** What the form has in it. */
export interface Content {
  form: FormState;
  /** The paths of fields whose text was not stored, so that it has to be typed again. */
  lost: readonly string[];
}

const keptForm = fields<FormState>({
  name: whole(),
  description: whole(),
  types: whole(),
  expression: whole(),
  kind: oneOf(kindNames),
  targets: keptTargets,
  startAt: oneOf(["now", "earliest", "time", "cursor"]),
  startTime: whole(),
  startCursor: whole(),
  secret: nothing,
  retrySchedule: whole(),
  concurrency: whole(),
  timeout: whole(),
  defaults: whole(),
});

/** What is kept of a form while its page is away, and which fields were not kept. */
export function formDraft(initial: FormState): DraftFormat<Content> {
  return {
    write: ({ form, lost }) => ({
      form: keptForm.write(form, initial),
      lost: [...new Set([...lost, ...unstored(form, initial)])],
    }),
    read: (kept) => {
      const { form, lost } = (kept ?? {}) as { form?: unknown; lost?: unknown };
      const restored = keptForm.read(form, initial);
      if (!restored || !Array.isArray(lost)) return undefined;
      return { form: restored, lost: lost.filter((path) => typeof path === "string") };
    },
  };
}

/** The paths of fields with something typed that would not be there again. */
export function unstored(form: FormState, initial: FormState): string[] {
  const restored = keptForm.read(keptForm.write(form, initial), initial);
  return changed(form, restored ?? initial);
}

/** What is typed instead of a lost text ends its loss. */
export function stillLost(lost: readonly string[], before: FormState, after: FormState): string[] {
  const now = changed(before, after);
  return lost.filter((path) => !now.includes(path));
}

/** The paths of fields with different texts; of a list the entries, where they have paths of their own. */
function changed(from: FormState, to: FormState): string[] {
  const [before, after] = [formTexts(from), formTexts(to)];
  const paths = Object.keys({ ...before, ...after }).filter((path) => before[path] !== after[path]);
  return paths.filter((path) => !paths.some((other) => other !== path && covers(path, other)));
}
