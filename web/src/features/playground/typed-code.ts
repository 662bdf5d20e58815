import type { DescMessage } from "@bufbuild/protobuf";
import { goCode } from "./code-go";
import type { CodeTexts } from "./code-panel";
import { typescriptCode } from "./code-typescript";
import type { MessageDraft } from "./draft";

/** The code that publishes a message, in the languages that have generated types. */
export function typedCode(desc: DescMessage, draft: MessageDraft): CodeTexts {
  return [
    ["Go", () => goCode(desc, draft)],
    ["TypeScript", () => typescriptCode(desc, draft)],
  ];
}
