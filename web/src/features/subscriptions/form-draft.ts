import type { DraftFormat } from "@/rpc/draft";
import { isLike } from "@/store/drafts";
import { emptyForm, type FormState } from "./form-state";
import { isKind, targetsWithoutSecrets } from "./targets/registry";

const sample: FormState = {
  ...emptyForm,
  targets: {
    ...emptyForm.targets,
    webhook: { ...emptyForm.targets.webhook, headers: [{ key: 0, name: "", value: "" }] },
  },
};

/** What is kept of a form while its page is away. The signing secret and those of targets have to be typed again. */
export const formDraft: DraftFormat<FormState> = {
  write: (form) => ({ ...form, secret: "", targets: targetsWithoutSecrets(form.targets) }),
  read: (kept) => (isLike(sample, kept) && isKind(kept.kind) ? kept : undefined),
};
