import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { resolve } from "node:path";
import { build } from "vite";
import { freePort } from "./postrider";

const home = resolve(import.meta.dirname, "../client");

/** A site of another origin than the server's, whose pages have a script with @postrider/client in it. */
export class Site {
  readonly origin: string;
  /** What it answers who asks for a token; a function makes a new one for each. */
  token: string | (() => Promise<string>) = "";
  readonly #server: Server;

  private constructor(port: number, script: string) {
    this.origin = `http://127.0.0.1:${port}`;
    const page = '<!doctype html><title>a page</title><script src="/client.js"></script>';
    this.#server = createServer(async (request, response) => {
      const token = async () => (typeof this.token === "string" ? this.token : this.token());
      const [type, text] =
        request.url === "/token"
          ? ["text/plain", await token()]
          : request.url === "/client.js"
            ? ["text/javascript", script]
            : ["text/html", page];
      response.setHeader("Content-Type", type);
      response.setHeader("Cache-Control", "no-store");
      response.end(text);
    }).listen(port, "127.0.0.1");
  }

  /** `entry` is a file of client/e2e; what it exports is `client` in the page. */
  static async start(entry: string): Promise<Site> {
    const [port, script] = await Promise.all([freePort(), bundle(entry)]);
    const site = new Site(port, script);
    await once(site.#server, "listening");
    return site;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** The page's script, as a site with the client in it would bundle it. */
async function bundle(entry: string): Promise<string> {
  const result = await build({
    root: home,
    configFile: resolve(home, "vitest.config.ts"),
    logLevel: "error",
    build: { write: false, lib: { entry: `e2e/${entry}`, formats: ["iife"], name: "client" } },
  });
  const [bundled] = Array.isArray(result) ? result : [result];
  if (!bundled || !("output" in bundled)) throw new Error("nothing was built");
  return bundled.output[0].code;
}
