import { expect, expectAccessible, test } from "./fixtures";

test("one box finds by type, subject, expression and id, by keyboard alone", async ({
  console: page,
  server,
}) => {
  const old = await server.publish("order.created", { total: 7000 }, { subject: "order/1" });
  await server.publishMany(3000, "order.created");
  await server.publish("payment.failed", { total: 9000 }, { subject: "order/2" });
  const rows = page.locator("[data-row]");
  const box = page.getByRole("combobox", { name: "Search events" });

  await page.keyboard.press("/");
  await expect(box).toBeFocused();
  await page.keyboard.type("payment");
  await expect(page.getByRole("option", { name: /payment\.failed/ })).toBeVisible();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await expectAccessible(page);
  await page.keyboard.type(".failed");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/types=payment\.failed/);
  await expect(rows).toHaveCount(1);

  // Backspace in the empty box takes the condition back.
  await page.keyboard.press("Backspace");
  await expect(page).not.toHaveURL(/types=/);
  await page.keyboard.type("event.data.total > 5000");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/expression=/);
  await expect(rows).toHaveCount(2);
  await expect(page.getByText("This is the beginning of the log.")).toBeVisible();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await server.publish("order.small", { total: 1 });
  await server.publish("order.large", { total: 6000 });
  await expect(page.getByRole("link", { name: /order\.large/ })).toBeVisible();
  await expect(rows).toHaveCount(3);

  await box.fill("subject:order/1");
  await page.keyboard.press("Enter");
  await expect(rows).toHaveCount(1);
  await expectAccessible(page);
  await page.getByRole("link", { name: "Clear" }).click();
  await box.fill(`id:${old.id}`);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("complementary", { name: "Event" })).toContainText(old.id);
});

test("an expression that the server cannot read is said, and can be changed", async ({
  console: page,
  server,
}) => {
  await server.publish("order.created", { total: 1 });
  const box = page.getByRole("combobox", { name: "Search events" });
  await box.fill("event.totl == 1");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("undefined field 'totl'");
  await page.getByRole("button", { name: "CEL event.totl == 1", exact: true }).click();
  await box.fill("event.data.total == 1");
  await page.keyboard.press("Enter");
  await expect(page.locator("[data-row]")).toHaveCount(1);
});

test("each event has a dot for each of its deliveries, kept current", async ({
  console: page,
  server,
  receiver,
}) => {
  await server.subscribe("billing", receiver.url);
  await server.publish("order.created", {});
  await expect(page.getByText("1 delivered", { exact: true })).toBeAttached();
  await server.subscribe("shipping", receiver.url);
  const { id } = await server.publish("order.paid", {});
  const row = page.getByRole("row").filter({ has: page.locator(`[data-row="${id}"]`) });
  await expect(row.getByText("2 delivered", { exact: true })).toBeAttached();
  await expect(row.getByTitle("2 delivered")).toBeVisible();
});
