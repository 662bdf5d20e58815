import type { Page } from "@playwright/test";
import { expect, expectAccessible, test } from "./fixtures";
import { expectFits } from "./widths";

const stored = (page: Page) => page.evaluate(() => JSON.stringify({ ...sessionStorage }));

test("a form shows what it selects, all that is wrong, and is filled by keyboard", async ({
  console: page,
  server,
  receiver,
}) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await server.publish("order.created", { n: 1 });
  await server.publish("order.paid", { n: 2 });
  await page.goto(`${server.url}/subscriptions/new`);
  const preview = page.getByRole("region", { name: "Preview of the filter" });
  await expect(preview).toContainText("It selects 2 of all 2 events");
  await server.publish("user.left", { n: 3 });
  await expect(preview).toContainText("It selects 3 of all 3 events");
  const [form, aside] = [
    await page.getByLabel("Name", { exact: true }).boundingBox(),
    await preview.boundingBox(),
  ];
  expect(aside?.x).toBeGreaterThan((form?.x ?? 0) + (form?.width ?? 0));

  await page.getByLabel("Webhook URL").fill("example.com");
  await page.getByLabel("Event types").fill("order..paid");
  await page.getByRole("button", { name: "Create subscription" }).click();
  await expect(page.getByLabel("Name", { exact: true })).toBeFocused();
  for (const text of ["Give it a name.", "The address begins with", "order..paid is no event"]) {
    await expect(page.getByText(text)).toBeVisible();
  }
  await expectFits(page);
  await expectAccessible(page);

  await page.keyboard.type("billing");
  await expect(page.getByText("Give it a name.")).toHaveCount(0);
  await page.getByLabel("Event types").fill("");
  await page.getByLabel("Event types").pressSequentially("ord");
  await expect(page.getByRole("option", { name: "order.* 2 types" })).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Event types")).toHaveValue("order.*");
  await expect(preview).toContainText("It selects 2 of all 2 events");
  await page.getByLabel("Webhook URL").fill("http://10.1.2.3/hook");
  await page.getByRole("button", { name: "Create subscription" }).click();
  await expect(page.getByLabel("Webhook URL")).toBeFocused();
  await expect(page.getByLabel("Webhook URL")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Webhook URL").fill(receiver.url);
  await expect(page.getByLabel("Webhook URL")).not.toHaveAttribute("aria-invalid", "true");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "billing" })).toBeVisible();
  expect(await stored(page)).not.toContain("billing");
});

test("nothing typed is lost without a question, and no secret is stored", async ({
  console: page,
  server,
}) => {
  await page.goto(`${server.url}/subscriptions/new`);
  await page.getByLabel("Name", { exact: true }).fill("billing");
  await page.getByLabel("Webhook URL").fill("https://bob:topsecret,1@a.test/topsecret?k=topsecret");
  await page.getByRole("button", { name: "Add header" }).click();
  await page.getByLabel("Name of header 1").fill("Authorization");
  await page.getByLabel("Value of header 1").fill("topsecret");
  expect(await stored(page)).toContain("billing");
  expect(await stored(page)).not.toContain("secret,");
  expect(await stored(page)).not.toContain("topsecret");

  await page.getByRole("link", { name: "Events", exact: true }).click();
  const leave = page.getByRole("dialog", { name: "Leave this page?" });
  await expect(leave).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(leave).toBeHidden();
  await expect(page.getByLabel("Value of header 1")).toHaveValue("topsecret");

  let asked = "";
  page.once("dialog", (dialog) => {
    asked = dialog.type();
    void dialog.accept();
  });
  await page.reload();
  expect(asked).toBe("beforeunload");
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("billing");
  await expect(page.getByText("This was not stored in the browser")).toHaveCount(2);
  await expectFits(page);
  await expectAccessible(page);
  await page.getByRole("button", { name: "Create subscription" }).click();
  await expect(page.getByLabel("Webhook URL")).toBeFocused();

  await page.getByLabel("Signed in as admin").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  const out = page.getByRole("dialog", { name: "Sign out?" });
  await out.getByRole("button", { name: "Stay signed in" }).click();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("billing");
  await page.getByLabel("Signed in as admin").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expectAccessible(page);
  await out.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByLabel("API key")).toBeVisible();
  expect(await stored(page)).not.toContain("billing");
});
