/** Whether one of the type patterns selects the type: exact, "order.*" or "*"; all when there is none. */
export function matchesPatterns(patterns: readonly string[], type: string): boolean {
  if (patterns.length === 0) return true;
  return patterns.some((pattern) =>
    pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : pattern === type,
  );
}
