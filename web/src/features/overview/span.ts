/** How far back the overview looks. */
export interface Span {
  /** The value in the URL. */
  name: string;
  label: string;
  /** What it is called in a sentence. */
  words: string;
  ms: number;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const first: Span = { name: "5m", label: "5 min", words: "the last 5 minutes", ms: 5 * minute };

/** The spans to choose from, shortest first. The server says how long an interval of each is. */
export const spans: readonly Span[] = [
  first,
  { name: "15m", label: "15 min", words: "the last 15 minutes", ms: 15 * minute },
  { name: "1h", label: "1 h", words: "the last hour", ms: hour },
  { name: "6h", label: "6 h", words: "the last 6 hours", ms: 6 * hour },
  { name: "24h", label: "24 h", words: "the last 24 hours", ms: day },
  { name: "7d", label: "7 d", words: "the last 7 days", ms: 7 * day },
  { name: "14d", label: "14 d", words: "the last 14 days", ms: 14 * day },
];

/** The span with this name; the shortest when there is none. */
export function readSpan(name: string | undefined): Span {
  return spans.find((span) => span.name === name) ?? first;
}
