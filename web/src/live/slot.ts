import { createStore, type Store } from "@/store/store";
import type { Place } from "./place";
import type { LiveState } from "./state";

/** Which stream runs when several are shown: what was opened on top of a list goes before the list. */
export type Rank = "list" | "detail";

interface Claim {
  place: Place;
  rank: Rank;
}

/**
 * The tab's one place for a long stream. A browser opens six HTTP/1.1 connections per host over all its tabs, so a tab
 * never holds more than one: the others wait and go on from their cursors.
 */
export class StreamSlot {
  #claims: Claim[] = [];
  #running: Place | undefined;
  #isResting = false;
  #unwatch: () => void = () => {};
  readonly #state = createStore<LiveState>({ kind: "idle" });

  /** The state of the stream that runs now. */
  get state(): Store<LiveState> {
    return this.#state;
  }

  /** Requests the slot; the returned function releases it. */
  claim(place: Place, rank: Rank): () => void {
    const claim = { place, rank };
    this.#claims.push(claim);
    this.#settle();
    // One that has to wait from the start should say so.
    if (this.#running !== place) place.stop(this.#running !== undefined);
    return () => {
      this.#claims = this.#claims.filter((other) => other !== claim);
      this.#settle();
      place.stop();
    };
  }

  readonly retryNow = (): void => this.#running?.retryNow();

  /** Lets no stream run until `wake`. */
  readonly rest = (): void => {
    this.#isResting = true;
    this.#settle();
  };

  readonly wake = (): void => {
    this.#isResting = false;
    this.#settle();
  };

  #settle(): void {
    const next = this.#isResting ? undefined : this.#first();
    if (next === this.#running) return;
    this.#unwatch();
    this.#running?.stop(next !== undefined);
    this.#running = next;
    if (!next) {
      this.#state.set({ kind: "idle" });
      return;
    }
    this.#unwatch = next.state.subscribe(() => this.#state.set(next.state.get()));
    next.start();
    for (const { place } of this.#claims) if (place !== next) place.stop(true);
    this.#state.set(next.state.get());
  }

  #first(): Place | undefined {
    return (this.#newest("detail") ?? this.#newest("list"))?.place;
  }

  #newest(rank: Rank): Claim | undefined {
    return this.#claims.findLast((claim) => claim.rank === rank);
  }
}
