import { expect, expectAccessible, test } from "./fixtures";

const widths = [360, 390, 820, 1024, 1440];

test("the first steps tick themselves, are dismissed, and come back", async ({
  console: page,
  server,
  receiver,
}) => {
  await page.goto(`${server.url}/overview`);
  const steps = page.getByRole("region", { name: "Getting started" });
  const step = (name: string) => steps.getByRole("listitem").filter({ hasText: name });
  await expect(step("A key")).toContainText("Done:");
  await expect(step("The first event")).toContainText("To do:");
  await expect(steps).toContainText(`export POSTRIDER_URL=${server.url}`);
  await expect(page.getByRole("list", { name: /^Key figures/ })).toHaveCount(0);
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 });
    const over = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(over, `wider than ${width} px`).toBe(0);
  }
  await expectAccessible(page);

  await server.publish("order.created", { orderId: "42" });
  await expect(step("The first event")).toContainText("Done:");
  await expect(step("A receiver")).toContainText("To do:");
  await expect(page.getByRole("list", { name: /^Key figures/ })).toBeVisible();
  await server.subscribe("billing", receiver.url);
  await expect(step("A receiver")).toContainText("Done:");

  await steps.getByRole("button", { name: "Dismiss" }).click();
  await expect(steps).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole("list", { name: /^Key figures/ })).toBeVisible();
  await expect(steps).toHaveCount(0);
  await page.getByRole("link", { name: "Getting started" }).click();
  await expect(steps).toBeVisible();
});
