import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";

/** What the list of events is narrowed to; kept in the URL. */
export interface EventFilter {
  /** Patterns such as "order.created", "order.*" or "*"; all when empty. */
  types: string[];
  /** The exact subject; any when empty. */
  subject: string;
  /** A CEL expression over the event; any when empty. */
  expression: string;
  /** Accepted at this instant or later, RFC 3339; any when empty. */
  from: string;
  /** Accepted before this instant, RFC 3339. With it the list is a fixed window and not live. */
  to: string;
}

/** The filter in the URL. */
export interface EventSearch {
  types?: string;
  subject?: string;
  expression?: string;
  from?: string;
  to?: string;
}

/** The search for another event, or none: which delivery is open belongs to the one that is left. */
export function withoutDelivery<Search extends { delivery?: string }>(search: Search): Search {
  return { ...search, delivery: undefined };
}

export function readFilter(search: EventSearch): EventFilter {
  return {
    types: splitTypes(search.types ?? ""),
    subject: search.subject ?? "",
    expression: search.expression ?? "",
    from: search.from ?? "",
    to: search.to ?? "",
  };
}

export function isEmptyFilter(filter: EventFilter): boolean {
  const { types, subject, expression, from, to } = filter;
  return types.length === 0 && !subject && !expression && !from && !to;
}

/** The patterns in a text, separated by commas or white space. */
export function splitTypes(text: string): string[] {
  return text.split(/[\s,]+/).filter((pattern) => pattern !== "");
}

const pattern = /^(\*|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.\*)?)$/;

/** Whether the text is a pattern of types such as order.created, order.* or *. */
export function isPattern(text: string): boolean {
  return pattern.test(text);
}

/** An RFC 3339 instant of the URL for a request; undefined when it is empty or cannot be read. */
export function readInstant(text: string): Timestamp | undefined {
  const date = new Date(text);
  return text === "" || Number.isNaN(date.getTime()) ? undefined : timestampFromDate(date);
}
