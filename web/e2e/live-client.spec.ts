import { resolve } from "node:path";
import type { CDPSession, Page } from "@playwright/test";
import type { Record as PageRecord } from "../client/e2e/live-page";
import { CuttingProxy } from "./cutting-proxy";
import { test as base, expect } from "./fixtures";
import { Postrider } from "./postrider";
import { Site } from "./site";

/** What client/e2e/live-page.ts exports, in the page; `record` is what it has got. */
declare const client: typeof import("../client/e2e/live-page");
declare let record: PageRecord;

const schemas = resolve(import.meta.dirname, "../../gen/descriptors/shop.v1.binpb");
const entries = ["light", "full"] as const;
const heartbeatMs = 1000;

interface World {
  site: Site;
  server: Postrider;
  log: Log;
}

/** Publishes numbered events, and knows them all. */
class Log {
  readonly numbers: number[] = [];

  constructor(readonly server: Postrider) {}

  async publish(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const orderId = String(this.numbers.length + 1);
      const cancelTime = new Date().toISOString();
      const data = { orderId, reason: "why not", cancelTime };
      await this.server.publish("shop.v1.OrderCancelled", data);
      this.numbers.push(Number(orderId));
    }
  }

  /** The page's record is the log: nothing is missing, nothing came twice, all is in order. */
  async expectIn(page: Page, timeout = 20_000): Promise<void> {
    await expect
      .poll(() => page.evaluate(() => record.numbers.length), { timeout })
      .toBe(this.numbers.length);
    expect(await page.evaluate(() => record.numbers)).toEqual(this.numbers);
    expect(await page.evaluate(() => record.unhandled)).toEqual([]);
  }
}

const test = base.extend<World>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures off the pattern.
  site: async ({}, use) => {
    const site = await Site.start("live-page.ts");
    await use(site);
    site.stop();
  },
  server: async ({ site }, use) => {
    const server = await Postrider.start("--schemas", schemas, "--cors-origins", site.origin);
    site.token = server.adminKey;
    await use(server);
    await server.remove();
  },
  log: async ({ server }, use) => use(new Log(server)),
});

async function open(
  page: Page,
  site: Site,
  url: string,
  entry: "light" | "full",
  scope?: string,
): Promise<void> {
  await page.goto(site.origin);
  await page.evaluate(
    ([address, which, heartbeat, sharing]) => {
      record = client.watch(address, which, heartbeat, sharing);
    },
    [url, entry, heartbeatMs, scope] as const,
  );
}

const state = (page: Page) => page.evaluate(() => record.status?.state);

for (const entry of entries) {
  test.describe(`@postrider/client (${entry})`, () => {
    test("goes on when the network is back, at once", async ({ page, context, site, log }) => {
      await log.publish(3);
      await open(page, site, log.server.url, entry);
      await log.expectIn(page);
      for (let round = 0; round < 3; round++) {
        await context.setOffline(true);
        await expect.poll(() => state(page)).toBe("offline");
        await log.publish(5);
        // Long enough for the waits between tries to have grown.
        await page.waitForTimeout(2000);
        await context.setOffline(false);
        await log.expectIn(page, 2_000);
        await expect.poll(() => state(page)).toBe("live");
      }
    });

    test("goes on after the tab was asleep, although the server was killed meanwhile", async ({
      page,
      context,
      site,
      log,
    }) => {
      await log.publish(3);
      await open(page, site, log.server.url, entry);
      await log.expectIn(page);
      const devtools = await context.newCDPSession(page);
      for (const signal of ["SIGKILL", undefined, "SIGTERM"] as const) {
        await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
        await log.publish(5);
        if (signal) await log.server.down(signal);
        if (signal) await log.server.up();
        await log.publish(5);
        await new Promise((wake) => setTimeout(wake, 4 * heartbeatMs));
        await devtools.send("Page.setWebLifecycleState", { state: "active" });
        await log.expectIn(page, 3_000);
        await expect.poll(() => state(page)).toBe("live");
      }
    });

    test("asks for a fresh token when the old one is good no more", async ({
      page,
      site,
      server,
      log,
    }) => {
      const key = async (name: string) => {
        const made = await server.call<{ apiKey: { id: string }; secret: string }>(
          "ApiKeyService/CreateApiKey",
          { apiKey: { name, scopes: ["API_KEY_SCOPE_CONSUME"] } },
        );
        site.token = made.secret;
        return made.apiKey.id;
      };
      let current = await key("first");
      await log.publish(3);
      await open(page, site, server.url, entry);
      await log.expectIn(page);
      for (let round = 0; round < 2; round++) {
        const old = site.token;
        const next = await key(`next ${round}`);
        await server.call("ApiKeyService/RevokeApiKey", { id: current });
        current = next;
        await log.publish(3);
        await expect.poll(() => page.evaluate(() => record.asked)).toContain(old);
        await log.expectIn(page);
        await log.publish(3);
        await log.expectIn(page);
      }
    });

    test("shares one connection between tabs, whichever of them close", async ({
      context,
      site,
      server,
      log,
    }) => {
      const streams = async () => {
        const { total = 0 } = await server.call<{ total?: number }>(
          "StreamService/ListStreams",
          {},
        );
        return total;
      };
      await log.publish(3);
      const tabs: Page[] = [];
      const openTab = async () => {
        const tab = await context.newPage();
        await open(tab, site, server.url, entry, "somebody");
        tabs.push(tab);
      };
      for (let i = 0; i < 4; i++) await openTab();
      const expectAll = async () => {
        for (const tab of tabs) await log.expectIn(tab);
      };
      while (tabs.length > 1) {
        await log.publish(2);
        await expectAll();
        await expect.poll(streams).toBe(1);
        // The oldest tab has the connection.
        await tabs.shift()?.close();
        await log.publish(2);
        await expectAll();
        if (tabs.length === 2) await server.down("SIGKILL");
        if (tabs.length === 2) await server.up();
      }
    });

    test("keeps nothing of 1,000 connections that were lost", async ({
      page,
      context,
      site,
      server,
      log,
    }) => {
      test.setTimeout(240_000);
      const proxy = await CuttingProxy.start(server.url);
      // No wait between tries.
      await page.addInitScript(() => {
        Math.random = () => 0;
      });
      const connections = new Losses(() => proxy.cut());
      await page.exposeFunction("begins", () => connections.begin());
      const devtools = await context.newCDPSession(page);
      await devtools.send("Performance.enable");
      await open(page, site, proxy.url, entry);
      const lose = async (count: number) => {
        const lost = connections.lose(count);
        for (let round = 0; round < count / 10; round++) {
          await log.publish(3);
          await connections.next();
        }
        await lost;
      };
      // Until all is compiled and every buffer of the browser is full.
      await lose(600);
      const before = await measure(devtools);
      await lose(1000);
      const after = await measure(devtools);
      await log.expectIn(page);
      proxy.stop();
      console.log(`${entry}: before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
      expect(after.listeners).toBeLessThanOrEqual(before.listeners);
      expect(after.heapKB - before.heapKB).toBeLessThan(100);
    });
  });
}

test("goes on from ticket to ticket without a new connection, and after one that ended unseen", async ({
  page,
  context,
  site,
  server,
  log,
}) => {
  const tickets: string[] = [];
  site.token = async () => {
    const asked = { types: ["shop.v1.*"], lifetime: "4s" };
    const made = await server.call<{ ticket: string }>("EventService/CreateStreamTicket", asked);
    tickets.push(made.ticket);
    return made.ticket;
  };
  let begun = 0;
  await page.exposeFunction("begins", () => {
    begun++;
  });
  await log.publish(3);
  await page.goto(site.origin);
  await page.evaluate(
    ([address, heartbeat]) => {
      record = client.watch(address, "light", heartbeat, undefined, true);
    },
    [server.url, heartbeatMs] as const,
  );
  await log.expectIn(page);
  const publishAndCount = async () => {
    await log.publish(1);
    return tickets.length;
  };
  // Three lives of a ticket are over when the fourth one is asked for.
  await expect.poll(publishAndCount, { timeout: 60_000 }).toBeGreaterThanOrEqual(4);
  await log.expectIn(page);
  expect(begun).toBe(1);
  await context.setOffline(true);
  await log.publish(5);
  // The page has no ticket any more that would be let in.
  const last = `${server.url}/v1/events/stream?types=shop.v1.*&ticket=${tickets.at(-1)}`;
  await expect.poll(() => statusOf(last), { timeout: 30_000 }).toBe(401);
  await context.setOffline(false);
  await log.expectIn(page, 5_000);
  await expect.poll(() => state(page)).toBe("live");
});

/** What a stream is answered with, which is left at once. */
async function statusOf(url: string): Promise<number> {
  const { status, body } = await fetch(url);
  await body?.cancel();
  return status;
}

/** Cuts a number of connections, each as soon as it has begun. */
class Losses {
  #left = 0;
  #begun: () => void = () => {};
  #done: () => void = () => {};

  constructor(readonly cut: () => void) {}

  begin(): void {
    this.#begun();
    if (this.#left === 0) return;
    this.#left--;
    if (this.#left === 0) this.#done();
    this.cut();
  }

  /** Resolves with the last loss. The connection that is open now is the first one to be cut. */
  lose(count: number): Promise<void> {
    this.#left = count;
    const done = new Promise<void>((resolve) => {
      this.#done = resolve;
    });
    this.begin();
    return done;
  }

  /** Resolves when the next connection begins, or at once when no more are cut. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#begun = resolve;
      if (this.#left === 0) resolve();
    });
  }
}

/** What the page holds when the garbage is gone. */
async function measure(devtools: CDPSession): Promise<{ heapKB: number; listeners: number }> {
  for (let i = 0; i < 3; i++) await devtools.send("HeapProfiler.collectGarbage");
  const { metrics } = await devtools.send("Performance.getMetrics");
  const value = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? 0;
  return {
    heapKB: Math.round(value("JSHeapUsedSize") / 1000),
    listeners: value("JSEventListeners"),
  };
}
