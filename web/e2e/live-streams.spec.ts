import { once } from "node:events";
import { createServer } from "node:http";
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures";
import { freePort, Postrider } from "./postrider";

/** What the page has got: the numbers in the events, and the names of all other messages but pings. */
interface Got {
  numbers: number[];
  names: string[];
}

declare const got: Got;

const stream = "/v1/events/stream?types=order.*&heartbeat=200ms";

test("EventSource resumes over a crash of the server, on a page of another origin with a ticket", async ({
  page,
}) => {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const site = createServer((_, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end("<!doctype html><title>a page</title>");
  }).listen(port, "127.0.0.1");
  await once(site, "listening");
  const server = await Postrider.start("--cors-origins", origin);
  try {
    const { ticket } = await server.call<{ ticket: string }>("EventService/CreateStreamTicket", {});
    await page.goto(origin);
    await listen(page, `${server.url}${stream}&ticket=${ticket}`);
    await expectToSurvive(page, server);
  } finally {
    await server.remove();
    site.closeAllConnections();
    site.close();
  }
});

test("EventSource resumes over a crash of the server, on a page of its own with the session", async ({
  page,
  server,
}) => {
  await page.goto(server.url);
  await page.evaluate(async (key) => {
    await fetch("/postrider.v1.SessionService/CreateSession", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ key }),
    });
  }, server.adminKey);
  await listen(page, stream);
  await expectToSurvive(page, server);
});

/** Opens the stream in the page, with nothing but what a browser brings. */
async function listen(page: Page, url: string): Promise<void> {
  await page.evaluate(async (address) => {
    const all: Got = { numbers: [], names: [] };
    Object.assign(globalThis, { got: all });
    const source = new EventSource(address);
    source.onmessage = (message) => all.numbers.push(JSON.parse(message.data).data.n);
    for (const name of ["begin", "gap", "end"]) {
      source.addEventListener(name, () => all.names.push(name));
    }
    await new Promise((resolve) => source.addEventListener("ping", resolve, { once: true }));
  }, url);
}

/** Each event once and in order, although the server is killed twice and stopped once. */
async function expectToSurvive(page: Page, server: Postrider): Promise<void> {
  const published: number[] = [];
  const publish = async (count: number) => {
    for (let i = 0; i < count; i++) {
      await server.publish("order.created", { n: published.length });
      published.push(published.length);
    }
  };
  const expectAll = () => expect.poll(() => page.evaluate(() => got.numbers)).toEqual(published);
  await publish(10);
  await expectAll();
  for (const signal of ["SIGKILL", "SIGTERM", "SIGKILL"] as const) {
    await publish(5);
    await server.down(signal);
    await server.up();
    // The browser waits for a second or two before it comes back: it has these to catch up on.
    await publish(10);
    await expectAll();
  }
  expect(await page.evaluate(() => got.names)).toEqual(["begin", "begin", "end", "begin", "begin"]);
}
