import type { Status } from "@/theme/status";

export const deprecated: Status = {
  tone: "idle",
  label: "Deprecated",
  hint: "Events of this type are still accepted; producers should switch to another type.",
};
