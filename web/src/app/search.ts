/*
 * The query string as people write it: plain strings. The router's own way is JSON, under which ?subject=42 would become a
 * number and a filter that is pasted from somewhere could mean something else.
 */

export function readSearch(query: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(query));
}

export function writeSearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (typeof value === "string" && value !== "") params.set(name, value);
  }
  // Patterns and times stay readable: these may stand in a query as they are.
  const query = params
    .toString()
    .replaceAll("%2C", ",")
    .replaceAll("%3A", ":")
    .replaceAll("%2F", "/");
  return query === "" ? "" : `?${query}`;
}

/** The value when it is a string with something in it. */
export function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
