import { createStore, type Store } from "@/store/store";
import type { LiveState } from "./state";

/** A stream as the slot sees it. */
export interface Claimant {
  readonly state: Store<LiveState>;
  start(): void;
  stop(held?: boolean): void;
  retryNow(): void;
}

/** Which stream runs when several are shown: what was opened on top of a list goes before the list. */
export type Rank = "list" | "detail";

interface Claim {
  stream: Claimant;
  rank: Rank;
}

/**
 * The tab's one place for a long stream. A browser opens six HTTP/1.1 connections per host over all its tabs, so a tab
 * never holds more than one: the others wait and go on from their cursors.
 */
export class StreamSlot {
  #claims: Claim[] = [];
  #running: Claimant | undefined;
  #unwatch: () => void = () => {};
  readonly #state = createStore<LiveState>({ kind: "idle" });

  /** The state of the stream that runs now. */
  get state(): Store<LiveState> {
    return this.#state;
  }

  /** Asks for the place; the answer gives it back. */
  claim(stream: Claimant, rank: Rank): () => void {
    const claim = { stream, rank };
    this.#claims.push(claim);
    this.#settle();
    // One that has to wait from the start should say so.
    if (this.#running !== stream) stream.stop(true);
    return () => {
      this.#claims = this.#claims.filter((other) => other !== claim);
      this.#settle();
      stream.stop();
    };
  }

  readonly retryNow = (): void => this.#running?.retryNow();

  #settle(): void {
    const next = (this.#newest("detail") ?? this.#newest("list"))?.stream;
    if (next === this.#running) return;
    this.#unwatch();
    this.#running?.stop(true);
    this.#running = next;
    if (!next) {
      this.#state.set({ kind: "idle" });
      return;
    }
    this.#unwatch = next.state.subscribe(() => this.#state.set(next.state.get()));
    next.start();
    this.#state.set(next.state.get());
  }

  #newest(rank: Rank): Claim | undefined {
    return this.#claims.findLast((claim) => claim.rank === rank);
  }
}
