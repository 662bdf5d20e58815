/** How an answer is changed by an event, for answers that say where in the log they were read. */
export interface Patch<Answer, Event> {
  /** The place in the log the answer was read at: events after it are not in it. */
  cursor(answer: Answer): string;
  /** The answer with the event, or nothing where that cannot be said: it is loaded again then. */
  apply(answer: Answer, event: Event): Answer | undefined;
}

/** Where the answer is kept that is patched. */
interface Kept<Answer> {
  get(): Answer | undefined;
  set(answer: Answer): void;
}

/** What an answer was made from by patches, and how far they have come. */
interface Origin {
  readonly loaded: object;
  readonly place: string;
}

/** Whoever shows a patched answer has to know that it is one: another component, or the same one when it is shown again. */
const origins = new WeakMap<object, Origin>();

/** The answer as it was loaded: one that was patched is the same with more in it. */
export function loadedOf<Answer extends object>(answer: Answer): Answer {
  return (origins.get(answer)?.loaded as Answer | undefined) ?? answer;
}

/**
 * Applies the events of one subscription to an answer. Other components may do the same with subscriptions of their own, which
 * bring the same events in the same order: whoever is the first to get an event applies it.
 */
export class Patching<Answer extends object, Event> {
  readonly #kept: Kept<Answer>;
  readonly #loaded: Answer;
  readonly #patch: () => Patch<Answer, Event> | undefined;
  #place: string;

  /** `patch` answers how it is done now. */
  constructor(kept: Kept<Answer>, loaded: Answer, patch: () => Patch<Answer, Event> | undefined) {
    this.#kept = kept;
    this.#loaded = loaded;
    this.#patch = patch;
    this.#place = this.#placeOf(kept.get() ?? loaded);
  }

  /** Where the answer ends, as far as this subscription has come. */
  get place(): string {
    return this.#place;
  }

  /** Takes the event at a cursor. False says that the answer has to be loaded again. */
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
