import type { FieldFault } from "@/rpc/fault";

type Words = string | ((text: string) => string);

/** What the server says of a field, and how the form says it. What is not here is shown as it is. */
const words: [path: RegExp, text: RegExp, words: Words][] = [
  [
    /\.headers\["/,
    /^Is set by the server/,
    "Postrider sets this header itself: choose another name.",
  ],
  [/\.headers\["/, /^Stands twice/, "There is a header of this name already."],
  [
    /^subscription\.start$/,
    /cursor/i,
    (text) => `${text} Copy one from an event's detail, or begin now.`,
  ],
  [/\.target\.nats$/, /more than one kind of credentials/, "Choose one login only."],
  [/./, /^(Value is required|Is required|Must not be empty)\.$/, "This must not be empty."],
  [/./, /^Must be a valid URI\.$/, "This is not an address. One is https://example.com/hook."],
];

export function inPlainWords(fault: FieldFault): FieldFault {
  const { path, message } = fault;
  const found = words.find(([at, text]) => at.test(path) && text.test(message))?.[2];
  if (found === undefined) return fault;
  return { path, message: typeof found === "string" ? found : found(message) };
}
