/** The part of a browser's locks that tabs use to choose a leader. */
export class FakeLocks {
  readonly #queues = new Map<string, (() => Promise<void>)[]>();

  async request(
    name: string,
    { signal }: { signal: AbortSignal },
    hold: () => Promise<void>,
  ): Promise<void> {
    const queue = this.#queues.get(name) ?? [];
    this.#queues.set(name, queue);
    await new Promise<void>((resolve, reject) => {
      const run = async () => {
        await hold();
        resolve();
      };
      queue.push(run);
      signal.addEventListener("abort", () => {
        const at = queue.indexOf(run);
        if (at > 0) queue.splice(at, 1);
        if (at !== 0) reject(signal.reason);
      });
      if (queue.length === 1) void this.#grant(queue);
    });
  }

  async #grant(queue: (() => Promise<void>)[]): Promise<void> {
    for (let run = queue[0]; run; run = queue[0]) {
      await run();
      queue.shift();
    }
  }
}
