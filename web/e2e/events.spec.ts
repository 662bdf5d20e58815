import type { Request } from "@playwright/test";
import { expect, signIn, test } from "./fixtures";
import { mainThread } from "./main-thread";

test("a wrong key is refused at the field, a deep link survives signing in", async ({
  page,
  server,
}) => {
  const { id } = await server.publish("order.created", { orderId: "42" });
  await page.goto(`${server.url}/events/${id}`);
  await page.getByLabel("API key").fill("not-the-key-0123456789");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText("This key is wrong or has been revoked.")).toBeVisible();
  await signIn(page, server.adminKey);
  await expect(page.getByRole("complementary", { name: "Event" })).toContainText(id);
  const cookies = await page.context().cookies();
  expect(cookies.map(({ httpOnly, sameSite }) => [httpOnly, sameSite])).toEqual([[true, "Strict"]]);
});

test("an event published elsewhere appears live, with its exact payload", async ({
  console: page,
  server,
}) => {
  await expect(page.getByRole("heading", { name: "No events yet" })).toBeVisible();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await server.call(
    "EventService/Publish",
    '{"event":{"type":"order.created","subject":"order/42","data":{"total":9007199254740993,"rate":1.10,"@type":"kept"}}}',
  );
  await page.getByRole("link", { name: /order\.created/ }).click();
  const data = page.getByRole("region", { name: "Data" });
  await expect(data).toContainText('"total": 9007199254740993');
  await expect(data).toContainText('"rate": 1.10');
  await expect(data).toContainText('"@type": "kept"');
});

test("the command line shown to a new user works as it stands", async ({
  console: page,
  server,
}) => {
  const line = await page.getByText(/^curl /).textContent();
  const { execFileSync } = await import("node:child_process");
  const answer = execFileSync("bash", ["-c", line ?? ""], {
    env: { ...process.env, KEY: server.adminKey },
    stdio: ["ignore", "pipe", "ignore"],
  });
  expect(JSON.parse(answer.toString())).toMatchObject({ id: expect.any(String) });
  await expect(page.getByRole("link", { name: /order\.created/ })).toBeVisible();
});

test("filters stand in the URL and hold for history and for what arrives", async ({
  console: page,
  server,
}) => {
  await server.publish("order.created", {});
  await server.publish("payment.failed", {});
  await page.goto(`${server.url}/events?types=order.*`);
  await expect(page.getByRole("link", { name: /order\.created/ })).toBeVisible();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await server.publish("payment.settled", {});
  await server.publish("order.paid", {});
  await expect(page.getByRole("link", { name: /order\.paid/ })).toBeVisible();
  await expect(page.getByRole("link", { name: /payment/ })).toHaveCount(0);
});

test("the tail pauses, counts and resumes", async ({ console: page, server }) => {
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await page.keyboard.press("p");
  await server.publishMany(3, "order.created");
  await page.getByRole("button", { name: "Resume (3 new)" }).click();
  await expect(page.getByRole("link", { name: /order\.created/ })).toHaveCount(3);
});

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  test(`after ${signal} and a restart no row is lost and none comes twice`, async ({
    console: page,
    server,
  }) => {
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
    const published = [];
    for (let i = 0; i < 5; i++) published.push((await server.publish("before.kill", { i })).id);
    await expect(page.locator("[data-row]")).toHaveCount(5);
    await server.down(signal);
    await expect(page.getByText(/Reconnecting|Offline/)).toBeVisible();
    await server.up();
    for (let i = 0; i < 5; i++) published.push((await server.publish("after.restart", { i })).id);
    await expect(page.getByText("Live", { exact: true })).toBeVisible({ timeout: 30_000 });
    await expect(page.locator("[data-row]")).toHaveCount(10);
    const shown = await page
      .locator("[data-row]")
      .evaluateAll((rows) => rows.map((row) => row.getAttribute("data-row")));
    expect(shown).toEqual(published.toReversed());
  });
}

test("a tab never holds more than one long stream", async ({ console: page, server }) => {
  const { id } = await server.publish("order.created", {});
  const open = new Set<Request>();
  page.on("framenavigated", () => open.clear());
  page.on("request", (request) => {
    if (/\/(Subscribe|WatchDeliveries)$/.test(request.url())) open.add(request);
  });
  page.on("requestfailed", (request) => open.delete(request));
  page.on("requestfinished", (request) => open.delete(request));
  const streams = () => [...open].map((request) => request.url().split("/").at(-1));
  const waits = page.getByText("The tail pauses while an event is open");

  await page.goto(`${server.url}/events/${id}`);
  await expect(waits).toBeVisible();
  await expect.poll(streams).toEqual(["WatchDeliveries"]);
  await page.keyboard.press("Escape");
  await expect(waits).toBeHidden();
  await expect.poll(streams).toEqual(["Subscribe"]);
  await page.getByRole("link", { name: /order\.created/ }).click();
  await expect(waits).toBeVisible();
  await expect.poll(streams).toEqual(["WatchDeliveries"]);
});

test("five thousand rows scroll smoothly while events arrive", async ({
  console: page,
  server,
}) => {
  test.slow();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await server.publishMany(6000, "load.test");
  const list = page.getByRole("table", { name: "Events, newest first" });
  await expect(list).toHaveAttribute("aria-rowcount", "5001", { timeout: 30_000 });
  expect(await page.locator("[data-row]").count()).toBeLessThan(120);
  const box = page.getByRole("region", { name: /Events, newest first/ });
  const frames = 120;
  const worked = await mainThread(page);
  const before = await worked();
  await box.evaluate(async (element, steps) => {
    for (let step = 0; step < steps; step++) {
      element.scrollTop += 300;
      await new Promise(requestAnimationFrame);
    }
  }, frames);
  const perFrame = ((await worked()) - before) / frames;
  expect(perFrame).toBeLessThan(16);

  // What arrives on top does not move what is being read.
  const firstInSight = () =>
    box.evaluate((element) => {
      const top = element.getBoundingClientRect().top + 60;
      const rows = [...element.querySelectorAll("[data-row]")];
      return rows.find((row) => row.getBoundingClientRect().top >= top)?.getAttribute("data-row");
    });
  const inSight = await firstInSight();
  await server.publish("one.more", {});
  await page.waitForTimeout(500);
  expect(await firstInSight()).toBe(inSight);
  await page.getByRole("button", { name: "Newest" }).click();
  await expect(page.getByRole("link", { name: /one\.more/ })).toBeVisible();
});
