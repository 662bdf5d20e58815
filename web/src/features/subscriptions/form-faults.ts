import { Code } from "@connectrpc/connect";
import { ErrorReason } from "#gen/postrider/v1/error_pb";
import { type Fault, type FieldFault, readFault } from "@/rpc/fault";
import { covers } from "@/ui/field";
import { formFaults } from "./form-rules";
import { type FormState, formTexts } from "./form-state";
import { inPlainWords } from "./plain-words";

/**
 * All that is wrong with the form as it is now: the rules it breaks, once it was submitted, and what the server refused of
 * what was sent. A fault goes with the text that it is about.
 */
export function faultsNow(
  form: FormState,
  isSubmitted: boolean,
  refused: Fault | undefined,
  sent: FormState | undefined,
): Fault | undefined {
  const own = isSubmitted ? formFaults(form) : [];
  const fields = (refused?.fields ?? [])
    .filter(({ path }) => sent === undefined || textAt(sent, path) === textAt(form, path))
    .filter(({ path }) => !own.some((fault) => fault.path === path))
    .map(inPlainWords);
  if (own.length + fields.length > 0) {
    return { ...(refused ?? ownFault), fields: [...own, ...fields] };
  }
  return refused && refused.fields.length === 0 ? refused : undefined;
}

const ownFault: Fault = {
  code: Code.InvalidArgument,
  reason: 0,
  message: "",
  fields: [],
  unreachable: false,
};

/** A taken name is a fault of the name field, also when the server does not say which field it is. */
export function readRefusal(cause: unknown): Fault {
  const fault = readFault(cause);
  if (fault.reason !== ErrorReason.NAME_TAKEN || fault.fields.length > 0) return fault;
  return { ...fault, fields: [{ path: "subscription.name", message: fault.message }] };
}

/** What was not stored has to be typed again. */
export function lostFaults(lost: readonly string[]): FieldFault[] {
  const message = "This was not stored in the browser: type it again.";
  return lost.map((path) => ({ path, message }));
}

/** What is typed in the field that a path of the server belongs to. */
function textAt(form: FormState, path: string): string | undefined {
  const texts = formTexts(form);
  const field = Object.keys(texts)
    .filter((own) => covers(own, path))
    .toSorted((a, b) => b.length - a.length)[0];
  // A fault of the target as a whole goes with any change of it.
  if (field !== undefined) return texts[field];
  const below = Object.entries(texts).filter(([own]) => covers(path, own));
  return below.length > 0 ? JSON.stringify(below) : undefined;
}
