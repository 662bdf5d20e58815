/** A count in full: "1,234". */
export function countText(count: number): string {
  return count.toLocaleString("en");
}

const scales: [size: number, sign: string][] = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** A figure in three or four signs, to be read from afar: "0.4", "12", "1,234", "12.3k". */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size < 9.95 && !Number.isInteger(value)) return value < 0.05 ? "<0.1" : value.toFixed(1);
  if (size < 9999.5) return countText(Math.round(value));
  const [scale, sign] = scales.find(([least]) => size >= least * 0.9995) ?? [1, ""];
  const scaled = value / scale;
  return `${scaled.toFixed(scaled < 99.95 ? 1 : 0)}${sign}`;
}

/** Whole percents, but never "100 %" while something fails, nor "0 %" while something succeeds. */
export function percentText(percent: number): string {
  if (percent > 99 && percent < 100) return `${(Math.floor(percent * 10) / 10).toFixed(1)} %`;
  if (percent > 0 && percent < 1) return "<1 %";
  return `${Math.round(percent)} %`;
}

/** A rate in the unit in which it reads as a number of things: "12/s", "3/min", "2/h". */
export function rateText(perSecond: number): string {
  if (perSecond === 0 || perSecond >= 0.95) return `${shortNumber(perSecond)}/s`;
  if (perSecond * 60 >= 0.95) return `${shortNumber(perSecond * 60)}/min`;
  return `${shortNumber(perSecond * 3600)}/h`;
}
