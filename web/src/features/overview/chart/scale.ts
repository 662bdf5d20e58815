/** The next of 1, 2, 2.5, 5, 10 and so on: a scale that moves in steps keeps still while values jitter. */
export function niceTop(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((one) => one * magnitude >= value * 1.02) ?? 20;
  return step * magnitude;
}

/** The powers of ten around the values; two of them at least. */
export function decades(low: number | null, high: number | null): [low: number, high: number] {
  if (!low || !high || low <= 0) return [1, 100];
  const from = Math.floor(Math.log10(low));
  const to = Math.max(Math.ceil(Math.log10(high)), from + 2);
  return [10 ** from, 10 ** to];
}

/** The marks of a logarithmic scale: every power of ten, or every second one where there are many. */
export function powersOfTen(low: number, high: number): number[] {
  const from = Math.round(Math.log10(low));
  const decades = Math.round(Math.log10(high)) - from;
  const step = decades > 4 ? 2 : 1;
  return Array.from({ length: Math.floor(decades / step) + 1 }, (_, i) => 10 ** (from + i * step));
}
