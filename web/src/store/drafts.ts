/*
 * What is typed into forms, kept in the tab's sessionStorage: a document that is loaded again, a page that is left and a session
 * that ends lose nothing. What of a form may be stored is listed field by field (kept.ts); secrets never are. Each draft belongs
 * to the caller who typed it. It is removed at sign-out, and when another caller signs in.
 */

const prefix = "postrider.draft ";
/** Longer texts are not kept. */
const longestLength = 64 << 10;
/** The oldest draft goes first. */
const mostDrafts = 20;

/** Keeps a draft under the owner and the name of its form. */
export function keepDraft(owner: string, name: string, value: unknown): void {
  const text = `${Date.now()} ${JSON.stringify(value)}`;
  const key = keyOf(owner, name);
  try {
    if (text.length > longestLength) {
      sessionStorage.removeItem(key);
      return;
    }
    const isNew = sessionStorage.getItem(key) === null;
    sessionStorage.setItem(key, text);
    // Only a draft that is new makes one too many: a keystroke looks at no other draft.
    if (isNew) remove(keys().toSorted(byAge).slice(mostDrafts));
  } catch {
    // Storage is blocked or full: the form works without.
  }
}

/** The draft, if there is one; its form decides whether it still fits. */
export function readDraft(owner: string, name: string): unknown {
  try {
    const text = sessionStorage.getItem(keyOf(owner, name));
    return text === null ? undefined : JSON.parse(text.slice(text.indexOf(" ") + 1));
  } catch {
    return undefined;
  }
}

export function dropDraft(owner: string, name: string): void {
  remove([keyOf(owner, name)]);
}

/** The number of forms with something typed that was not sent. */
export function countDrafts(): number {
  return keys().length;
}

/** Removes every draft, whoever typed it. */
export function dropDrafts(): void {
  remove(keys());
}

/** Removes the drafts of everybody else. */
export function keepDraftsOf(owner: string): void {
  remove(keys().filter((key) => !key.startsWith(keyOf(owner, ""))));
}

function keyOf(owner: string, name: string): string {
  return `${prefix}${JSON.stringify(owner)} ${name}`;
}

function keys(): string[] {
  try {
    return Object.keys(sessionStorage).filter((key) => key.startsWith(prefix));
  } catch {
    return [];
  }
}

function remove(which: string[]): void {
  try {
    for (const key of which) sessionStorage.removeItem(key);
  } catch {
    // Where nothing can be stored, nothing is.
  }
}

/** The newest first. */
function byAge(a: string, b: string): number {
  return ageOf(b) - ageOf(a);
}

function ageOf(key: string): number {
  return Number.parseInt(sessionStorage.getItem(key) ?? "", 10) || 0;
}

/** Whether a stored value has the form of a sample: a draft of another build may have other fields. */
export function isLike<T>(sample: T, value: unknown): value is T {
  if (typeof sample !== typeof value) return false;
  if (typeof sample !== "object" || sample === null) return true;
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(sample) !== Array.isArray(value)) return false;
  if (Array.isArray(value)) {
    return value.every((item) => isLike((sample as unknown[])[0], item));
  }
  return Object.entries(sample).every(([name, part]) =>
    isLike(part, (value as Record<string, unknown>)[name]),
  );
}
