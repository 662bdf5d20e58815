const firstMs = 500;
const longestMs = 15_000;

/**
 * How long to wait before the next try, in milliseconds: full jitter, so that the tabs of a whole team do not come back
 * in step after a restart. `failures` counts from 1; `random` answers [0, 1).
 */
export function backoff(failures: number, random: () => number): number {
  return Math.round(random() * Math.min(longestMs, firstMs * 2 ** (failures - 1)));
}
