import { once } from "node:events";
import { createServer } from "node:http";
import { resolve } from "node:path";
import { build } from "vite";
import { expect, test } from "./fixtures";
import { freePort, Postrider } from "./postrider";

/** What client/e2e/page.ts exports, in the page. */
declare const client: {
  roundTrip(url: string, key: string): Promise<unknown>;
  receive(secret: string): Promise<number[]>;
};

const home = resolve(import.meta.dirname, "../client");
const schemas = resolve(import.meta.dirname, "../../gen/descriptors/shop.v1.binpb");

test("@postrider/client publishes, subscribes and verifies from a page of another origin", async ({
  page,
}) => {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const script = await bundle();
  const site = createServer((request, response) => {
    const isScript = request.url === "/client.js";
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : '<!doctype html><script src="/client.js"></script>');
  }).listen(port, "127.0.0.1");
  await once(site, "listening");
  const server = await Postrider.start("--schemas", schemas, "--cors-origins", origin);
  try {
    await page.goto(origin);
    const read = page.evaluate(([url, key]) => client.roundTrip(url, key), [
      server.url,
      server.adminKey,
    ] as const);
    expect(await read).toEqual({ same: true, ledgerNumber: "9007199254740993" });
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    expect(await page.evaluate((text) => client.receive(text), secret)).toEqual([204, 401]);
  } finally {
    await server.remove();
    site.closeAllConnections();
    site.close();
  }
});

/** The page's script, as a site with the client in it would bundle it. */
async function bundle(): Promise<string> {
  const result = await build({
    root: home,
    configFile: resolve(home, "vitest.config.ts"),
    logLevel: "error",
    build: { write: false, lib: { entry: "e2e/page.ts", formats: ["iife"], name: "client" } },
  });
  const [bundled] = Array.isArray(result) ? result : [result];
  if (!bundled || !("output" in bundled)) throw new Error("nothing was built");
  return bundled.output[0].code;
}
