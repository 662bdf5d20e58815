import type { Page } from "@playwright/test";
import { test as base, expect, expectAccessible, signIn } from "./fixtures";
import { Front, type Notice } from "./front";

interface World {
  front: Front;
  /** Signed in through the proxy. */
  tab: Page;
}

const test = base.extend<World>({
  front: async ({ server }, use) => {
    const front = await Front.start(server.url);
    await use(front);
    front.stop();
  },
  tab: async ({ page, front, server }, use) => {
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(`${front.url}/events`);
    await signIn(page, server.adminKey);
    await use(page);
    expect(complaints, "errors thrown in the page").toEqual([]);
  },
});

const pages = (page: Page) => page.getByRole("navigation", { name: "Pages" });
const live = (page: Page) => page.getByText("Live", { exact: true });
const away = (page: Page) =>
  page.getByText("The server cannot be reached.", { exact: false }).first();
const rows = (page: Page, name: RegExp) => page.getByRole("link", { name });

/** The build whose script runs in the page; none while the document is exchanged. */
const build = (page: Page) =>
  page
    .evaluate(() => document.querySelector<HTMLScriptElement>("script[type=module]")?.src ?? "")
    .catch(() => "");

/** Marks the document, so that a test can tell whether it has been loaded again. */
const mark = (page: Page) => page.evaluate(() => void Object.assign(window, { marked: true }));
const isMarked = (page: Page) => page.evaluate(() => "marked" in window);

const html = "<!doctype html><title>Maintenance</title><h1>Back soon</h1>";
const notices: Notice[] = [
  { status: 502, type: "text/html", body: html },
  { status: 404, type: "text/html", body: html },
  { status: 401, type: "application/json", body: '{"message":"no token"}' },
  { status: 200, type: "text/html", body: html },
];

test("a proxy that responds in the server's place is a server that is away, and the page recovers", async ({
  tab,
  front,
  server,
}) => {
  await expect(live(tab)).toBeVisible();
  await mark(tab);
  for (const [round, notice] of notices.entries()) {
    await server.publish(`first.${round}`, {});
    await expect(rows(tab, new RegExp(`first\\.${round}`))).toHaveCount(1);
    front.say(notice);
    await expect(away(tab)).toBeVisible();
    await expect(pages(tab)).toBeVisible();
    await expect(tab.getByLabel("API key")).toBeHidden();
    await expect(rows(tab, new RegExp(`first\\.${round}`))).toHaveCount(1);
    // What is chosen meanwhile holds once the server is back.
    await tab.getByRole("combobox", { name: "Search events" }).focus();
    // The types of the round before; Backspace in the empty box takes one back.
    for (const key of ["Backspace", "Backspace"]) await tab.keyboard.press(key);
    for (const name of [`second.${round}`, `first.${round + 1}`]) {
      await tab.keyboard.type(`type:${name}`);
      await tab.keyboard.press("Enter");
    }
    await expect(tab).toHaveURL(new RegExp(`types=second\\.${round}.*first\\.${round + 1}`));
    await server.publish(`second.${round}`, {});
    front.forward();
    await expect(rows(tab, new RegExp(`second\\.${round}`))).toHaveCount(1);
    await expect(rows(tab, new RegExp(`first\\.${round}`))).toHaveCount(0);
    await expect(live(tab)).toBeVisible();
  }
  expect(await isMarked(tab)).toBe(true);
});

test("a killed server is waited for on a page without a stream", async ({ tab, server, front }) => {
  await tab.goto(`${front.url}/keys`);
  await expect(tab.getByRole("heading", { name: "API keys" })).toBeVisible();
  await mark(tab);
  await server.down();
  await pages(tab).getByRole("link", { name: "Tenants" }).click();
  await expect(away(tab)).toBeVisible();
  await expect(tab.getByRole("heading", { name: "Tenants could not be loaded" })).toBeVisible();
  await server.up();
  await server.call("TenantService/CreateTenant", { tenant: { name: "acme" } });
  await expect(tab.getByRole("link", { name: "acme" })).toBeVisible();
  expect(await isMarked(tab)).toBe(true);
});

test("a page opened while the server is away appears when it is back", async ({ tab, front }) => {
  const context = tab.context();
  // The document itself comes from the browser's cache in no case: the proxy lets the files through, not the calls.
  await tab.goto(`${front.url}/events`);
  await expect(live(tab)).toBeVisible();
  await context.route("**/postrider.v1.*/**", (route) => route.abort());
  await tab.reload();
  await expect(tab.getByText("The server does not respond")).toBeVisible();
  await context.unroute("**/postrider.v1.*/**");
  await expect(live(tab)).toBeVisible();
});

test("a part of the page that cannot be loaded is waited for inside the shell", async ({
  tab,
  front,
}) => {
  await expect(live(tab)).toBeVisible();
  front.down();
  await pages(tab).getByRole("link", { name: "API keys" }).click();
  await expect(tab).toHaveURL(/\/keys$/);
  await expect(away(tab)).toBeVisible();
  await expect(pages(tab)).toBeVisible();
  await expectAccessible(tab);
  front.up();
  await expect(tab.getByRole("heading", { name: "API keys" })).toBeVisible();
});

test("a document whose scripts are missing is loaded again when they are there", async ({
  page,
  front,
}) => {
  front.losesAssets = true;
  await page.goto(`${front.url}/keys`);
  await expect(page.getByText("The server sent only a part of this page.")).toBeVisible();
  front.losesAssets = false;
  await expect(page.getByLabel("API key")).toBeVisible();
  await expect(page).toHaveURL(/\/keys$/);
});

test("after a deploy a part that is gone leads to the new build at the same URL", async ({
  tab,
  front,
}) => {
  await expect(live(tab)).toBeVisible();
  front.deploy("second");
  await pages(tab).getByRole("link", { name: "API keys" }).click();
  await expect(tab.getByRole("heading", { name: "API keys" })).toBeVisible();
  await expect(tab).toHaveURL(/\/keys$/);
  expect(await build(tab)).toContain("second");
});

test("after a deploy the next navigation loads the new build, and what was typed stays", async ({
  tab,
  front,
}) => {
  await pages(tab).getByRole("link", { name: "API keys" }).click();
  await expect(tab.getByRole("heading", { name: "API keys" })).toBeVisible();
  await pages(tab).getByRole("link", { name: "Subscriptions" }).click();
  await tab
    .getByRole("link", { name: /New subscription/ })
    .first()
    .click();
  await tab.getByLabel("Name", { exact: true }).fill("billing");
  await tab.getByLabel("Webhook URL").fill("https://example.com/hook");
  await tab.getByRole("button", { name: "Add header" }).click();
  await tab.getByLabel("Name of header 1").fill("Authorization");
  await tab.getByLabel("Value of header 1").fill("Bearer topsecret");
  await mark(tab);
  front.deploy("second");
  await pages(tab).getByRole("link", { name: "API keys" }).click();
  await tab.getByRole("button", { name: "Leave", exact: true }).click();
  await expect.poll(() => build(tab)).toContain("second");
  await expect(tab.getByRole("heading", { name: "API keys" })).toBeVisible();
  await tab.goto(`${front.url}/subscriptions/new`);
  await expect(tab.getByLabel("Name", { exact: true })).toHaveValue("billing");
  await expect(tab.getByLabel("Webhook URL")).toHaveValue("https://example.com");
  await expect(tab.getByLabel("Name of header 1")).toHaveValue("Authorization");
  await expect(tab.getByLabel("Value of header 1")).toHaveValue("");
  expect(await tab.evaluate(() => JSON.stringify({ ...sessionStorage }))).not.toContain(
    "topsecret",
  );
});

test("a session that is revoked is asked for in place, and the typed text is there again", async ({
  tab,
  front,
  server,
}) => {
  await tab.goto(`${front.url}/subscriptions/new`);
  await tab.getByLabel("Name", { exact: true }).fill("billing");
  await tab.context().clearCookies();
  await tab.getByLabel("Webhook URL").fill("https://example.com/hook");
  await tab.getByRole("button", { name: "Create subscription" }).click();
  await expect(tab.getByLabel("API key")).toBeVisible();
  await signIn(tab, server.adminKey);
  await expect(tab).toHaveURL(/\/subscriptions\/new$/);
  await expect(tab.getByLabel("Name", { exact: true })).toHaveValue("billing");
  await expect(tab.getByLabel("Webhook URL")).toHaveValue("https://example.com");
});

test("nothing of one caller is shown to the next one, in any tab", async ({
  tab,
  front,
  server,
}) => {
  await server.call("TenantService/CreateTenant", { tenant: { name: "acme" } });
  const { secret } = await server.call<{ secret: string }>("ApiKeyService/CreateApiKey", {
    apiKey: { name: "acme-admin", tenant: "acme", scopes: ["API_KEY_SCOPE_ADMIN"] },
  });
  await server.publish("secret.of.default", {});
  await server.subscribe("former", "http://127.0.0.1:1/");
  await tab.goto(`${front.url}/subscriptions/new`);
  await tab.getByLabel("Name", { exact: true }).fill("of the admin");
  const other = await tab.context().newPage();
  await other.goto(`${front.url}/events?tenant=default`);
  await expect(rows(other, /secret\.of\.default/)).toBeVisible();

  await tab.getByLabel("Signed in as admin").click();
  await tab.getByRole("button", { name: "Sign out" }).click();
  await tab.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await expect(other.getByLabel("API key")).toBeVisible();
  expect(await tab.evaluate(() => JSON.stringify({ ...sessionStorage }))).not.toContain(
    "of the admin",
  );
  await signIn(tab, secret);
  await expect(tab.getByLabel("Name", { exact: true })).toHaveValue("");
  await expect(other.getByLabel("Signed in as acme-admin")).toBeVisible();
  await expect(other.getByRole("heading", { name: "No events yet" })).toBeVisible();
  await expect(other.getByText("secret.of.default")).toHaveCount(0);
  await pages(tab).getByRole("link", { name: "Subscriptions" }).click();
  await expect(tab.getByRole("heading", { name: "No subscriptions yet" })).toBeVisible();
});

/** Shows or hides a tab: to Playwright's Chromium each one is always shown. */
async function show(page: Page, isShown: boolean): Promise<void> {
  await page.evaluate(
    (state) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, value: state });
      Object.defineProperty(document, "hidden", { configurable: true, value: state === "hidden" });
      document.dispatchEvent(new Event("visibilitychange"));
    },
    isShown ? "visible" : "hidden",
  );
}

test("eight tabs open, hidden ones let their stream go, and one that comes back shows all", async ({
  tab,
  front,
  server,
}) => {
  const streams = async () =>
    (await server.call<{ total?: number }>("StreamService/ListStreams", {})).total ?? 0;
  await expect(live(tab)).toBeVisible();
  await server.publish("before.hiding", {});
  await expect(tab.locator("[data-row]")).toHaveCount(1);
  let last = tab;
  for (let i = 1; i < 8; i++) {
    await show(last, false);
    last = await tab.context().newPage();
    await last.goto(`${front.url}/events`);
    await expect(live(last)).toBeVisible();
  }
  await expect.poll(streams).toBe(1);
  for (let i = 0; i < 5; i++) await server.publish("while.hidden", { i });
  await expect(rows(last, /while\.hidden/)).toHaveCount(5);
  await show(last, false);
  await show(tab, true);
  await expect(tab.locator("[data-row]")).toHaveCount(6);
  await expect(live(tab)).toBeVisible();
  const shown = await tab
    .locator("[data-row]")
    .evaluateAll((all) => all.map((row) => row.getAttribute("data-row")));
  expect(new Set(shown).size).toBe(6);
  await expect.poll(streams).toBe(1);
});

test("after ten minutes offline the page shows what happened, and did not hammer the server", async ({
  page,
  front,
  server,
}) => {
  await page.clock.install();
  await page.goto(`${front.url}/events`);
  await signIn(page, server.adminKey);
  await expect(live(page)).toBeVisible();
  await mark(page);
  await page.context().setOffline(true);
  let tries = 0;
  page.on("request", () => {
    tries++;
  });
  await expect(away(page)).toBeVisible();
  for (let minute = 0; minute < 10; minute++) {
    await page.clock.runFor(60_000);
  }
  for (let i = 0; i < 5; i++) await server.publish("while.offline", { i });
  expect(tries).toBeLessThan(250);
  await page.context().setOffline(false);
  await expect(rows(page, /while\.offline/)).toHaveCount(5);
  await expect(live(page)).toBeVisible();
  expect(await isMarked(page)).toBe(true);
});
