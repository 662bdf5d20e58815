import type { Locator, Page } from "@playwright/test";
import { expect, test } from "./fixtures";

/** Presses Tab until the element has the focus, as somebody without a mouse would. */
async function tabTo(page: Page, wanted: Locator, most = 40): Promise<void> {
  await expect(wanted).toBeVisible();
  for (let pressed = 0; pressed < most; pressed++) {
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  await expect(wanted, `the focus after ${most} times Tab`).toBeFocused();
}

for (const width of [360, 1440]) {
  test(`from signing in to a retried delivery by keyboard alone, ${width} px`, async ({
    page,
    server,
    receiver,
  }) => {
    receiver.status = 422;
    await server.subscribe("billing", receiver.url, { policy: { retrySchedule: ["0.1s"] } });
    await server.publish("order.created", { orderId: "42" });
    await page.setViewportSize({ width, height: 800 });
    await page.goto(server.url);

    await expect(page.getByLabel("API key")).toBeFocused();
    await page.keyboard.type(server.adminKey);
    await page.keyboard.press("Enter");
    await tabTo(page, page.getByRole("link", { name: "Deliveries", exact: true }));
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "Deliveries" })).toBeVisible();

    const row = page.getByRole("button", { name: /order\.created/ });
    await expect(page.getByRole("row").filter({ has: row })).toContainText("Dead");
    await page.keyboard.press("j");
    await expect(row).toBeFocused();
    await page.keyboard.press("Enter");
    const detail = page.getByRole("region", { name: /^Attempts of/ });
    await expect(detail).toBeFocused();
    receiver.status = 200;
    await tabTo(page, detail.getByRole("button", { name: "Retry now" }), 5);
    await page.keyboard.press("Enter");
    await expect(detail.getByText("#3")).toBeVisible();
    await expect(page.getByRole("row").filter({ has: row })).toContainText("Delivered");
    await page.keyboard.press("Escape");
    await expect(detail).toBeHidden();
    await expect(row).toBeFocused();
  });
}

test("every menu closes with Escape and gives the focus back", async ({ console: page }) => {
  await page.setViewportSize({ width: 390, height: 800 });
  for (const [opener, inside] of [
    [page.getByRole("button", { name: "More" }), page.getByRole("link", { name: "Tenants" })],
    [
      page.getByRole("button", { name: "Signed in as admin" }),
      page.getByRole("button", { name: "Sign out" }),
    ],
  ] as const) {
    await opener.focus();
    await page.keyboard.press("Enter");
    await tabTo(page, inside, 5);
    await page.keyboard.press("Escape");
    await expect(inside).toBeHidden();
    await expect(opener).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(inside).toBeVisible();
    await page.getByRole("main").click({ position: { x: 5, y: 5 } });
    await expect(inside).toBeHidden();
  }
});

test("pages behind the menu of a narrow screen are reached, and the menu says which is shown", async ({
  console: page,
}) => {
  await page.setViewportSize({ width: 360, height: 800 });
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("link", { name: "API keys" }).click();
  await expect(page.getByRole("heading", { name: "API keys" })).toBeVisible();
  await expect(page.getByRole("button", { name: "More pages, now API keys" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Tenants" })).toBeHidden();
});

test("dialogs focus their first field and give the focus back", async ({
  console: page,
  server,
  receiver,
}) => {
  const { subscription } = await server.subscribe("billing", receiver.url);
  for (const [path, opener, field] of [
    ["/keys", "New key", "Name"],
    ["/tenants", "New tenant", "Name"],
    [`/subscriptions/${subscription.id}`, "Test", undefined],
    [`/subscriptions/${subscription.id}`, "Delete", undefined],
  ] as const) {
    await page.goto(server.url + path);
    const button = page.getByRole("button", { name: opener, exact: true }).first();
    await expect(button).toBeVisible();
    await button.focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await expect(dialog).toBeVisible();
    if (field) await expect(dialog.getByLabel(field, { exact: true })).toBeFocused();
    await page.keyboard.press("Escape");
    await expect(dialog).toBeHidden();
    await expect(button).toBeFocused();
  }
});

test("a row opened by keyboard hands the focus to its page", async ({
  console: page,
  server,
  receiver,
}) => {
  await server.subscribe("billing", receiver.url);
  await page.goto(`${server.url}/subscriptions`);
  await expect(page.getByRole("link", { name: "billing" })).toBeVisible();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "billing" })).toBeVisible();
  await expect(page.getByRole("main")).toBeFocused();
});
