/** How an event changes a response that contains the cursor at which it was read. */
export interface Patch<Answer, Event> {
  /** The cursor at which the response was read: it does not include later events. */
  cursor(answer: Answer): string;
  /** The response with the event, or nothing if it cannot be patched: then it is reloaded. */
  apply(answer: Answer, event: Event): Answer | undefined;
}

/** The storage of the patched response. */
interface Kept<Answer> {
  get(): Answer | undefined;
  set(answer: Answer): void;
}

/** The response that patches were applied to, and their progress. */
interface Origin {
  readonly loaded: object;
  readonly place: string;
}

/** Records which responses are patched, because another component, or the same one after a remount, needs to know. */
const origins = new WeakMap<object, Origin>();

/** The response as it was loaded: a patched response is the same with further events. */
export function loadedOf<Answer extends object>(answer: Answer): Answer {
  return (origins.get(answer)?.loaded as Answer | undefined) ?? answer;
}

/**
 * Applies the events of one subscription to a response. Other components may do the same with subscriptions of their
 * own, which have the same events in the same order. The first one to receive an event applies it.
 */
export class Patching<Answer extends object, Event> {
  readonly #kept: Kept<Answer>;
  readonly #loaded: Answer;
  readonly #patch: () => Patch<Answer, Event> | undefined;
  #place: string;

  /** `patch` returns the current patch function. */
  constructor(kept: Kept<Answer>, loaded: Answer, patch: () => Patch<Answer, Event> | undefined) {
    this.#kept = kept;
    this.#loaded = loaded;
    this.#patch = patch;
    this.#place = this.#placeOf(kept.get() ?? loaded);
  }

  /** The end of the response, as far as this subscription has read. */
  get place(): string {
    return this.#place;
  }

  /** Applies the event at a cursor. False means that the response must be reloaded. */
  take(event: Event, cursor: string): boolean {
    const answer = this.#kept.get();
    if (!answer) return false;
    // It was loaded a moment ago, and nothing says whether the event is in it: a subscription that begins at its place will.
    if (loadedOf(answer) !== this.#loaded) return true;
    const place = this.#placeOf(answer);
    if (place !== this.#place) {
      // Another component is ahead.
      if (place === cursor) this.#place = cursor;
      return true;
    }
    const next = this.#patch()?.apply(answer, event);
    if (!next) return false;
    this.#kept.set(next);
    // What is kept may be another object of the same content.
    const kept = this.#kept.get();
    if (kept) origins.set(kept, { loaded: this.#loaded, place: cursor });
    this.#place = cursor;
    return true;
  }

  #placeOf(answer: Answer): string {
    return origins.get(answer)?.place ?? this.#patch()?.cursor(answer) ?? "";
  }
}
