import type { Page } from "@playwright/test";
import { expect, expectAccessible, signIn, test } from "./fixtures";

const tile = (page: Page, name: RegExp) =>
  page.getByRole("list", { name: /^Key figures/ }).getByRole("link", { name });
const chart = (page: Page, name: string) => page.getByRole("figure", { name });

test("what is published shows in figures, charts and the table", async ({
  page,
  server,
  receiver,
}) => {
  await server.subscribe("billing", receiver.url);
  await page.goto(server.url);
  await signIn(page, server.adminKey);
  await expect(page).toHaveURL(/\/overview$/);
  await expect(page.getByRole("list", { name: /^Key figures/ })).toHaveCount(0);
  for (let i = 0; i < 20; i++) await server.publish("order.created", { orderId: String(i) });
  await expect(tile(page, /Published/)).toContainText("Published20");
  await expect(tile(page, /Delivered/)).toContainText("Delivered20");
  await page.getByRole("button", { name: "Show the figures as a table" }).click();
  const figures = page.getByRole("region", { name: "Figures by interval" });
  await expect(figures.getByRole("row").nth(1)).toBeVisible();
  const published = await figures.locator("tbody tr td:nth-of-type(1)").allTextContents();
  expect(published.reduce((sum, text) => sum + Number(text), 0)).toBe(20);
  // The points of the chart, by keys: the newest intervals that are over have some of them.
  const time = page.getByRole("slider", { name: "Time in Throughput" });
  await expect(async () => {
    await time.press("Escape");
    let seen = 0;
    for (let i = 0; i < 40; i++) {
      await time.press("ArrowLeft");
      const text = (await time.getAttribute("aria-valuetext")) ?? "";
      seen += Number(/Published (\d+)\/s/.exec(text)?.[1] ?? 0);
    }
    expect(seen).toBe(20);
  }).toPass({ timeout: 30_000 });
  await expect(chart(page, "Published to delivered")).toContainText(/p99: .*at most [\d.]+ m?s/);
  const ranking = page.getByRole("region", { name: "Subscriptions" });
  await expect(ranking.getByRole("row", { name: /billing/ })).toContainText("100 %");
});

test("each figure leads to what is behind it", async ({ console: page, server, receiver }) => {
  receiver.status = 422;
  await server.subscribe("billing", receiver.url, { filter: { types: ["order.*"] } });
  await server.publish("order.created", { orderId: "42" });
  await server.publish("payment.failed", {});
  await page.goto(`${server.url}/overview`);

  await page.getByRole("link", { name: "payment.failed" }).click();
  await expect(page).toHaveURL(/\/events\?types=payment\.failed$/);
  await expect(page.getByRole("link", { name: /payment\.failed/ })).toBeVisible();
  await expect(page.getByRole("link", { name: /order\.created/ })).toHaveCount(0);

  await page.goBack();
  const region = (name: string) => page.getByRole("region", { name });
  await expect(region("Failures").getByRole("row", { name: /billing/ })).toContainText(
    "refused (422)",
  );
  await region("Subscriptions").getByRole("link", { name: "billing" }).click();
  await expect(page.getByRole("heading", { name: /billing/ })).toBeVisible();

  await page.goBack();
  await tile(page, /Failed/).click();
  await expect(page).toHaveURL(/\/deliveries\?state=FAILED$/);
  await page
    .getByRole("row", { name: /billing/ })
    .getByRole("button", { name: /order\.created/ })
    .click();
  await expect(page.getByRole("link", { name: "Subscription billing" })).toBeVisible();

  await page.goBack();
  await page.goto(`${server.url}/overview`);
  await expect(tile(page, /Published/)).toContainText("Published2");
  const plot = page.getByRole("slider", { name: "Time in Throughput" });
  const box = await plot.boundingBox();
  if (!box) throw new Error("the chart has no place");
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  const when = /^(\d\d:\d\d:\d\d)/.exec((await plot.getAttribute("aria-valuetext")) ?? "")?.[1];
  await expect(chart(page, "Failures")).toContainText(String(when));
  await page.mouse.down();
  await page.mouse.up();
  await expect(page).toHaveURL(/\/events\?from=\S+&to=\S+$/);
  const search = new URL(page.url()).searchParams;
  const seconds = (name: string) => Date.parse(search.get(name) ?? "") / 1000;
  expect(seconds("to") - seconds("from")).toBe(1);
});

test("history outlives a restart: the page keeps its seconds, and says meanwhile that it is stale", async ({
  console: page,
  server,
}) => {
  await page.goto(`${server.url}/overview`);
  await server.publishMany(30, "order.created");
  await expect(tile(page, /Published/)).toContainText("Published30");
  await server.down();
  await expect(page.getByText(/No connection: figures are of/)).toBeVisible();
  await expect(tile(page, /Published/)).toContainText("Published30");
  await server.up();
  await expect(page.getByText(/No connection/)).toBeHidden({ timeout: 20_000 });
  await server.publishMany(5, "order.created");
  await expect(tile(page, /Published/)).toContainText("Published35");
});

test("figures of coarser intervals survive a restart of the server", async ({
  console: page,
  server,
}) => {
  await server.publishMany(30, "order.created");
  await page.goto(`${server.url}/overview?span=1h`);
  await expect(tile(page, /Published/)).toContainText("Published30");
  await server.down("SIGTERM");
  await server.up();
  await page.reload();
  await expect(tile(page, /Published/)).toContainText("Published30");
});

test("live streams are listed, and ended from here", async ({ console: page, server }) => {
  test.setTimeout(120_000);
  await page.goto(`${server.url}/overview/streams`);
  await expect(page.getByRole("heading", { name: "No live streams" })).toBeVisible();
  const reader = await fetch(`${server.url}/v1/events/stream?types=order.*`, {
    headers: { Authorization: `Bearer ${server.adminKey}`, Accept: "text/event-stream" },
  });
  const row = page.getByRole("row", { name: /SSE/ });
  await expect(row).toContainText("order.*");
  await expect(row).toContainText("Live");
  await server.publish("order.created", {});
  await expect(row.locator('[data-label="Sent"]')).toHaveText("1");
  await expectAccessible(page);
  await row.getByRole("button", { name: /^Disconnect/ }).click();
  const dialog = page.getByRole("dialog");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Disconnect" }).click();
  await expect(page.getByRole("heading", { name: "No live streams" })).toBeVisible();
  expect(await reader.text()).toContain("event: end");
});

test("the overview is within reach of assistive technology, empty and full", async ({
  console: page,
  server,
  receiver,
}) => {
  // Six looks at a whole page, each of which takes a while on a busy machine.
  test.setTimeout(180_000);
  await page.goto(`${server.url}/overview`);
  await expect(page.getByRole("heading", { name: "Getting started" })).toBeVisible();
  await expectAccessible(page);
  receiver.status = 422;
  await server.subscribe("billing", receiver.url, { policy: { retrySchedule: [] } });
  await server.publishMany(50, "order.created");
  await expect(page.getByRole("row", { name: /billing/ }).first()).toBeVisible();
  await page.getByRole("button", { name: "Show the figures as a table" }).click();
  await page.getByRole("slider", { name: "Time in Failures" }).press("ArrowLeft");
  await expectAccessible(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await expectAccessible(page);
});
