import { expect, expectAccessible, signIn, test } from "./fixtures";

test("a key made here lets in, and is shut out once revoked", async ({
  console: page,
  server,
  browser,
}) => {
  await page.getByRole("link", { name: "API keys" }).click();
  await page.getByRole("button", { name: "New key" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("on-call");
  await dialog.getByLabel(/^Publish/).uncheck();
  await dialog.getByLabel(/^Read and subscribe/).check();
  await dialog.getByRole("button", { name: "Create key" }).click();
  const secret = (await dialog.locator("pre").textContent()) ?? "";
  await dialog.getByRole("button", { name: "Done" }).click();

  const other = await (await browser.newContext()).newPage();
  await other.goto(server.url);
  await signIn(other, secret);
  await expect(other.getByRole("link", { name: "API keys" })).toHaveCount(0);

  await page.getByRole("button", { name: "Revoke on-call" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByText("Revoked")).toBeVisible();
  await expect(async () => {
    await other.reload();
    await expect(other.getByLabel("API key")).toBeVisible({ timeout: 3000 });
  }).toPass();
  await other.context().close();
});

test("tenants are apart, and switched in the header", async ({ console: page, server }) => {
  await server.publish("default.event", {});
  await page.getByRole("link", { name: "Tenants" }).click();
  await page.getByRole("button", { name: "New tenant" }).click();
  await page.getByLabel("Name", { exact: true }).fill("acme");
  await page.getByRole("button", { name: "Create tenant" }).click();
  const event = { type: "acme.event", data: {} };
  const untyped = page.getByLabel("Events without a schema in acme");
  await untyped.selectOption("refused");
  await expect(untyped).toBeEnabled();
  await expect(server.call("EventService/Publish", { tenant: "acme", event })).rejects.toThrow();
  await untyped.selectOption("accepted");
  await expect(untyped).toBeEnabled();
  await page.getByLabel("Tenant", { exact: true }).selectOption("acme");
  await expect(page).toHaveURL(/\/tenants\?tenant=acme$/);
  await page.getByRole("link", { name: "Events", exact: true }).click();
  await expect(page.getByRole("heading", { name: "No events yet" })).toBeVisible();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await server.call("EventService/Publish", { tenant: "acme", event });
  await expect(page.getByRole("link", { name: /acme\.event/ })).toBeVisible();
  await expect(page.getByRole("link", { name: /default\.event/ })).toHaveCount(0);
});

test("nothing on any page is out of reach of assistive technology", async ({
  page,
  server,
  receiver,
}) => {
  // Thirty looks at whole pages, each of which takes a while on a busy machine.
  test.setTimeout(300_000);
  await page.goto(server.url);
  await expect(page.getByLabel("API key")).toBeVisible();
  await expectAccessible(page);
  await signIn(page, server.adminKey);
  for (const [path, heading] of [
    ["/events", "No events yet"],
    ["/subscriptions", "No subscriptions yet"],
    ["/deliveries", "Deliveries"],
    ["/keys", "API keys"],
    ["/nowhere", "Page not found"],
  ]) {
    await page.goto(server.url + path);
    await expect(page.getByRole("heading", { name: heading }).first()).toBeVisible();
    await expectAccessible(page);
  }

  receiver.status = 500;
  const { subscription } = await server.subscribe("billing", receiver.url);
  const { id } = await server.publish("order.created", {
    lines: [{ sku: "A" }],
    note: null,
    paid: true,
  });
  for (const path of [
    "/events",
    "/events?types=nothing.*&from=2026-01-01T00:00:00Z",
    `/events/${id}`,
    "/subscriptions",
    "/subscriptions/new",
    `/subscriptions/${subscription.id}/edit`,
    `/subscriptions/${subscription.id}`,
    "/tenants",
  ]) {
    await page.goto(server.url + path);
    await expect(page.getByRole("heading").first()).toBeVisible();
    await expect(page.getByText(/^Loading/)).toHaveCount(0);
    await expectAccessible(page);
  }
  await page.goto(`${server.url}/subscriptions/${subscription.id}`);
  await page.getByRole("button", { name: /order\.created/ }).click();
  await expect(page.getByRole("region", { name: /^Request of attempt/ })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Delete" }).click();
  await expectAccessible(page);
});
