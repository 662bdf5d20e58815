import { expect, expectAccessible, test } from "./fixtures";
import { freePort } from "./postrider";

test.use({ args: ["--nats-servers", "127.0.0.1,10.0.0.1"] });

test("a NATS target made in the form says what keeps it from its server, and keeps its secret", async ({
  console: page,
  server,
}) => {
  const port = await freePort();
  await page.goto(`${server.url}/subscriptions/new`);
  await page.getByLabel("Name", { exact: true }).fill("lake");
  await page.getByLabel("Target").selectOption("NATS JetStream");
  await page.getByLabel("Servers").fill("nats://10.0.0.1:4222");
  await page.getByLabel("Login").selectOption("user and password");
  await page.getByLabel("User", { exact: true }).fill("postrider");
  await page.getByLabel("Password").fill("hunter2hunter2");
  await expectAccessible(page);
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.getByRole("button", { name: "Create subscription" }).click();
  await expect(page.getByText(/10\.0\.0\.1 is a private address/).first()).toBeVisible();

  await page.getByLabel("Servers").fill(`nats://127.0.0.1:${port}`);
  await page.getByRole("button", { name: "Create subscription" }).click();
  await expect(page.getByRole("heading", { name: /lake/ })).toBeVisible();
  await expect(page.getByText("events.{type}").first()).toBeVisible();
  await server.publish("order.created", { orderId: "42" });
  const delivery = page.getByRole("button", { name: /order\.created/ });
  await expect(delivery).toBeVisible();
  await delivery.click();
  await expect(page.getByText(`connection refused by 127.0.0.1:${port}`).first()).toBeVisible();
  await expect(page.getByText("hunter2hunter2")).toHaveCount(0);

  await page.getByRole("link", { name: "Edit" }).click();
  await expect(page.getByLabel("Password")).toHaveValue("•••");
  await page.getByLabel("Subject").fill("orders");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByText("orders", { exact: true }).first()).toBeVisible();
});
