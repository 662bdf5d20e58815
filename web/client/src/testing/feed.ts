/** An async iterable that is fed from outside, until it fails, ends, or the signal ends it. */
export class Feed<T> implements AsyncIterable<T> {
  readonly #values: T[] = [];
  #error: unknown;
  #ended = false;
  #wake: () => void = () => {};

  constructor(signal: AbortSignal) {
    signal.addEventListener("abort", () => this.end());
  }

  push(value: T): void {
    this.#values.push(value);
    this.#wake();
  }

  end(error?: unknown): void {
    this.#error = error;
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const value = this.#values.shift();
      if (value !== undefined) {
        yield value;
      } else if (this.#ended) {
        if (this.#error) throw this.#error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
