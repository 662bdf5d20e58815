import { once } from "node:events";
import { createServer, type Server } from "node:http";

/** A webhook endpoint that answers as it is told and remembers what it was sent. */
export class Receiver {
  status = 200;
  readonly bodies: string[] = [];
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}/hook`;
    server.on("request", async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      this.bodies.push(Buffer.concat(chunks).toString());
      response.writeHead(this.status, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ seen: this.bodies.length }));
    });
  }

  static async start(): Promise<Receiver> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port was given");
    return new Receiver(server, address.port);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
