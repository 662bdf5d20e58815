import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Stands between a page and the server, and cuts the connections through it. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** How many times it has cut streams that were under way. */
  cuts = 0;

  private constructor(target: string) {
    const { hostname, port } = new URL(target);
    this.#server = createServer((page) => {
      const server = connect(Number(port), hostname);
      const pair = [page, server] as const;
      this.#pairs.add(pair);
      for (const socket of pair) {
        socket.on("error", () => {});
        socket.on("close", () => this.#cut(pair));
      }
      page.pipe(server).pipe(page);
    });
  }

  static async start(target: string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts all connections. */
  cut(): void {
    this.cuts++;
    for (const pair of [...this.#pairs]) this.#cut(pair);
  }

  stop(): void {
    this.cut();
    this.#server.close();
  }

  #cut(pair: readonly [Socket, Socket]): void {
    this.#pairs.delete(pair);
    for (const socket of pair) socket.destroy();
  }
}
