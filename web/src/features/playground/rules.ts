import { type DescMessage, fromJsonString } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Validator } from "@bufbuild/protovalidate";
import { type FieldFault, sentence } from "@/rpc/fault";
import type { Schemas } from "@/schema/schemas";
import { covers } from "@/ui/field";
import type { MessageDraft } from "./draft";
import { draftFaults } from "./faults";
import { messageJson } from "./json";

/** What is wrong with a draft, and what could not be found out. */
export interface Check {
  faults: FieldFault[];
  /** Why the schema's rules could not be checked here; the server checks them all the same. */
  failure?: string;
}

const validators = new WeakMap<Schemas, Validator>();

/** Checks a draft by the rules that the server checks events by. */
export function checkDraft(schemas: Schemas, desc: DescMessage, draft: MessageDraft): Check {
  const unfit = draftFaults(desc, draft);
  try {
    const text = messageJson(desc, draft, "omit");
    const message = fromJsonString(desc, text, { registry: schemas.registry });
    const { kind, violations, error } = validatorOf(schemas).validate(desc, message);
    if (kind === "error") return { faults: unfit, failure: error.message };
    const broken = (violations ?? []).map(({ field, message: why, ruleId }) => ({
      path: pathToString(field),
      message: sentence(why || ruleId),
    }));
    // A value that cannot be written was left out above: what is said of its absence would mislead.
    const known = broken.filter(({ path }) => !unfit.some((fault) => covers(path, fault.path)));
    return { faults: [...unfit, ...known] };
  } catch (cause) {
    return { faults: unfit, failure: cause instanceof Error ? cause.message : String(cause) };
  }
}

function validatorOf(schemas: Schemas): Validator {
  const known = validators.get(schemas);
  if (known) return known;
  const validator = createValidator({ registry: schemas.registry });
  validators.set(schemas, validator);
  return validator;
}
