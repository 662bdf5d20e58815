/** Loads again after events: at most one load at a time and one in each interval, the last event included. */
export class Refresher {
  readonly #load: () => Promise<unknown>;
  readonly #intervalMs: number;
  #isBusy = false;
  #isWanted = false;
  #isStopped = false;

  constructor(load: () => Promise<unknown>, intervalMs: number) {
    this.#load = load;
    this.#intervalMs = intervalMs;
  }

  readonly refresh = (): void => {
    this.#isWanted = true;
    if (!this.#isBusy) void this.#run();
  };

  stop(): void {
    this.#isStopped = true;
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    while (this.#isWanted && !this.#isStopped) {
      this.#isWanted = false;
      // What goes wrong is in the query's state.
      await this.#load().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, this.#intervalMs));
    }
    this.#isBusy = false;
  }
}
