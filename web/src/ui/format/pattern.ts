/** A pattern that can be typed, and the number of known types that it selects. */
export interface Suggestion {
  pattern: string;
  count: number;
}

/** The maximum number of suggestions. */
const limit = 50;

/** The part between commas at the caret, without the spaces around it. */
export function wordAt(text: string, caret: number): { word: string; from: number; to: number } {
  const start = text.lastIndexOf(",", caret - 1) + 1;
  const comma = text.indexOf(",", caret);
  const part = text.slice(start, comma === -1 ? text.length : comma);
  const from = start + (part.length - part.trimStart().length);
  const word = part.trim();
  return { word, from, to: from + word.length };
}

/** Types that contain the word and prefixes that several of them share; those that begin with the word come first. */
export function suggestPatterns(word: string, names: readonly string[]): Suggestion[] {
  const counts = new Map<string, number>();
  for (const name of names) {
    const segments = name.split(".");
    for (let length = 1; length < segments.length; length++) {
      const prefix = `${segments.slice(0, length).join(".")}.*`;
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
    }
  }
  const prefixes = [...counts].filter(([, count]) => count > 1);
  const all = [...prefixes, ...names.map((name): [string, number] => [name, 1])]
    .map(([pattern, count]) => ({ pattern, count }))
    .toSorted((a, b) => (a.pattern < b.pattern ? -1 : 1));
  const wanted = word.toLowerCase().replace(/\*$/, "");
  const found = all.filter(
    ({ pattern }) => pattern !== word && pattern.toLowerCase().includes(wanted),
  );
  const begins = ({ pattern }: Suggestion) => pattern.toLowerCase().startsWith(wanted);
  return [...found.filter(begins), ...found.filter((one) => !begins(one))].slice(0, limit);
}
