import type { DescMessage } from "@bufbuild/protobuf";
import type { DraftFormat } from "@/rpc/draft";
import { isLike } from "@/store/drafts";
import type { MessageDraft } from "./draft";
import { fillFromJson } from "./fill";
import { messageJson } from "./json";

/** What is typed in the playground. */
export interface Content {
  message: MessageDraft;
  source: string;
  subject: string;
}

const sample = { data: "", source: "", subject: "" };

/** The payload is kept as JSON, which is read by the schema that the type has then. */
export function formDraft(desc: DescMessage): DraftFormat<Content> {
  return {
    write: ({ message, source, subject }) => ({
      data: messageJson(desc, message, "keep"),
      source,
      subject,
    }),
    read: (kept) => {
      if (!isLike(sample, kept)) return undefined;
      const { data, source, subject } = kept;
      const filled = fillFromJson(desc, data);
      return filled && { message: filled.draft, source, subject };
    },
  };
}
