import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a test does with one request. */
type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** A real HTTP server whose answers a test scripts: one for each request, and the last one for all that follow. */
export class HttpServer {
  readonly #server: Server;
  readonly #answers: Answer[];
  /** The requests that came, oldest first. */
  readonly requests: { url: URL; headers: IncomingMessage["headers"]; body: string }[] = [];

  /** How many answers are under way. */
  open = 0;

  private constructor(answers: Answer[]) {
    this.#answers = answers;
    this.#server = createServer(async (request, response) => {
      this.open++;
      response.on("close", () => this.open--);
      let body = "";
      for await (const chunk of request) body += chunk;
      this.requests.push({
        url: new URL(request.url ?? "", this.url),
        headers: request.headers,
        body,
      });
      const answer = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0];
      answer?.(response, request);
    });
  }

  static async start(...answers: Answer[]): Promise<HttpServer> {
    const server = new HttpServer(answers);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What each request asked for in its address. */
  parameters(name: string): (string | null)[] {
    return this.requests.map(({ url }) => url.searchParams.get(name));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Frames of an event stream, as the server writes them. */
export const frames = {
  open: (cursor: string, more = {}) =>
    `: a live stream of events\nretry: 1500\nevent: begin\nid: ${cursor}\ndata: ${JSON.stringify({ cursor, ...more })}\n\n`,
  event: (cursor: string, data: object = {}, more = {}) =>
    `id: ${cursor}\ndata: ${JSON.stringify({ id: `evt_${cursor}`, type: "order.created", source: "postrider", time: "2026-01-31T09:00:00Z", data, cursor, ...more })}\n\n`,
  ping: (cursor: string, live?: boolean) =>
    `event: ping\nid: ${cursor}\ndata: ${JSON.stringify({ cursor, live })}\n\n`,
  end: (code: string, reconnect: boolean, reason = "SHUTTING_DOWN") =>
    `event: end\ndata: ${JSON.stringify({ code, reason, message: "it ends", reconnect })}\n\n`,
};

/** Begins an event stream, writes the chunks one after another, and leaves it open. */
export function stream(...chunks: (string | Uint8Array)[]): Answer {
  return (response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.flushHeaders();
    const left = [...chunks];
    const write = () => {
      const chunk = left.shift();
      if (chunk !== undefined) response.write(chunk, () => setImmediate(write));
    };
    write();
  };
}

/** Writes a stream and then does something to the connection. */
export function streamThen(text: string, then: (response: ServerResponse) => void): Answer {
  return (response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write(text, () => setImmediate(() => then(response)));
  };
}

/** Refuses a request as the server itself does: its errors name its domain, those of a proxy do not. */
export function refuseAsServer(status: number, code: string, message = "", more: object[] = []) {
  const info = { reason: "UNSPECIFIED", domain: "postrider" };
  const details = [{ type: "google.rpc.ErrorInfo", debug: info }, ...more];
  return refuse(status, { code, message, details }, { "Content-Type": "application/json" });
}

/** Refuses a request. */
export function refuse(status: number, body: unknown = "", headers = {}): Answer {
  return (response) => {
    response.writeHead(status, headers);
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
}
