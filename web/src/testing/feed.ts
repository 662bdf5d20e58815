/** An async iterable that is fed from outside, until it fails or the signal ends it. */
export class Feed<T> implements AsyncIterable<T> {
  readonly #values: T[] = [];
  #error: unknown;
  #ended = false;
  #wake: () => void = () => {};

  constructor(signal: AbortSignal) {
    signal.addEventListener("abort", () => this.#end());
  }

  push(value: T): void {
    if (this.#ended) return;
    this.#values.push(value);
    this.#wake();
  }

  fail(error: unknown): void {
    this.#error = error;
    this.#end();
  }

  #end(): void {
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
