import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, resolve } from "node:path";

const dist = resolve(import.meta.dirname, "../dist");
const types: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".woff2": "font/woff2",
};

/** What a proxy says in the place of a server that is away. */
export interface Notice {
  status: number;
  type: string;
  body: string;
}

/**
 * A proxy in front of the server, as an operator has one: it forwards, responds itself, or drops every connection. After
 * `deploy` it stands for a server with another build of the web UI, whose files all have other names.
 */
export class Front {
  /** Undefined forwards. */
  notice: Notice | undefined;
  /** Files of the build that is deployed, by path; of the server's own when undefined. */
  #files: Map<string, Buffer> | undefined;
  #isDown = false;
  /** Responds with 502 to requests for assets. */
  losesAssets = false;
  readonly #server: Server;

  private constructor(target: string) {
    this.#server = createServer((incoming, response) => this.#handle(target, incoming, response));
    this.#server.on("connection", (socket) => {
      if (this.#isDown) socket.destroy();
    });
  }

  static async start(target: string): Promise<Front> {
    const front = new Front(target);
    front.#server.listen(0, "127.0.0.1");
    await once(front.#server, "listening");
    return front;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Drops every connection, and those that come, until `up`. */
  down(): void {
    this.#isDown = true;
    this.#server.closeAllConnections();
  }

  up(): void {
    this.#isDown = false;
  }

  /** Responds to everything itself, until `forward`. */
  say(notice: Notice): void {
    this.notice = notice;
    this.#server.closeAllConnections();
  }

  forward(): void {
    this.notice = undefined;
  }

  /** Serves the UI under other names from now on, and ends what is open, as a restart does. */
  deploy(build: string): void {
    this.#files = renamed(build);
    this.#server.closeAllConnections();
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #handle(target: string, incoming: IncomingMessage, response: ServerResponse): void {
    if (this.notice) {
      response.writeHead(this.notice.status, { "Content-Type": this.notice.type });
      response.end(this.notice.body);
      return;
    }
    if (this.losesAssets && incoming.url?.startsWith("/assets/")) {
      response.writeHead(502, { "Content-Type": "text/html" }).end("Bad gateway");
      return;
    }
    const path = new URL(incoming.url ?? "/", target).pathname;
    const isPage = incoming.headers.accept?.includes("text/html") || path === "/";
    const name = isPage ? "/index.html" : path;
    const file = this.#files?.get(name);
    if (file) {
      const cache = isPage ? "no-cache" : "public, max-age=31536000, immutable";
      const type = types[extname(name)] ?? "text/plain";
      response.writeHead(200, { "Content-Type": type, "Cache-Control": cache }).end(file);
    } else if (this.#files && path.startsWith("/assets/")) {
      response.writeHead(404, { "Content-Type": "text/plain" }).end("404 page not found\n");
    } else {
      forward(target, incoming, response);
    }
  }
}

function forward(target: string, incoming: IncomingMessage, response: ServerResponse): void {
  const { method, headers, url = "/" } = incoming;
  const outgoing = request(new URL(url, target), { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    answer.pipe(response);
    answer.on("error", () => response.destroy());
  });
  outgoing.on("error", () => response.destroy());
  response.on("close", () => outgoing.destroy());
  incoming.pipe(outgoing);
}

/** The built UI with another hash in the name of each file, and in each mention of a name. */
function renamed(build: string): Map<string, Buffer> {
  const names = readdirSync(join(dist, "assets"));
  const newName = (name: string) => name.replace(/-[\w-]{8}(\.\w+)$/, `-${build}$1`);
  const unique = new Map(
    names.map((name, i) => [name, newName(name).replace(build, `${build}${i}`)]),
  );
  const rename = (content: Buffer) => {
    let text = content.toString();
    for (const [before, after] of unique) text = text.replaceAll(before, after);
    return Buffer.from(text);
  };
  const files = new Map<string, Buffer>();
  for (const [before, after] of unique) {
    const content = readFileSync(join(dist, "assets", before));
    const isText = /\.(js|css)$/.test(before);
    files.set(`/assets/${after}`, isText ? rename(content) : content);
  }
  files.set("/index.html", rename(readFileSync(join(dist, "index.html"))));
  return files;
}
