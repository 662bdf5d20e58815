import type { EventType } from "#gen/postrider/v1/event_type_pb";

/** What of the list is shown, as the URL has it. */
export interface TypeSearch {
  /** Words of the name or the description. */
  q?: string | undefined;
  /** Set if parts of events are shown, too. */
  parts?: string | undefined;
}

export interface TypeList {
  shown: EventType[];
  /** Types that match the words: those that are events, and those that are parts of events. */
  events: number;
  parts: number;
}

/** The types that match every word; parts of events only on request. */
export function listTypes(types: readonly EventType[], { q = "", parts }: TypeSearch): TypeList {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = types.filter(({ name, description }) => {
    const text = `${name} ${description}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const events = found.filter((type) => !isPart(type));
  return {
    shown: parts ? found : events,
    events: events.length,
    parts: found.length - events.length,
  };
}

/** Whether the message is only used in fields of others, as far as the server can tell. */
export function isPart({ partOf }: EventType): boolean {
  return partOf.length > 0;
}
