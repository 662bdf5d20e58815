import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures";
import type { Postrider } from "./postrider";
import { expectFits } from "./widths";

const pages = [
  "/overview",
  "/overview/streams",
  "/events",
  "/deliveries",
  "/subscriptions",
  "/subscriptions/new",
  "/event-types",
  "/playground",
  "/keys",
  "/tenants",
] as const;

/** A name as long as the server takes, without a place to break. */
const long = "x".repeat(90);

async function visit(page: Page, server: Postrider, path: string): Promise<void> {
  await page.goto(server.url + path);
  await expect(page.getByRole("heading").first()).toBeVisible();
  await expect(page.getByText(/^Loading/)).toHaveCount(0);
}

test("every page fits every width while it is empty", async ({ console: page, server }) => {
  for (const path of pages) {
    await visit(page, server, path);
    await expectFits(page);
  }
});

test("every page fits every width with the longest names", async ({
  console: page,
  server,
  receiver,
}) => {
  await server.call("TenantService/CreateTenant", {
    tenant: { name: "t".repeat(63), displayName: long },
  });
  await server.call("ApiKeyService/CreateApiKey", {
    apiKey: { name: long, scopes: ["API_KEY_SCOPE_CONSUME"] },
  });
  receiver.status = 422;
  const { subscription } = await server.subscribe(long, `${receiver.url}/${long}`, {
    description: long,
  });
  const { id } = await server.publish(`order.${long}`, { [long]: long }, { subject: long });
  await expect(async () => {
    const query = { subscription: subscription.id };
    const { deliveries } = await server.call<{ deliveries?: { attemptCount?: number }[] }>(
      "DeliveryService/ListDeliveries",
      query,
    );
    expect(deliveries?.[0]?.attemptCount).toBeGreaterThan(0);
  }).toPass();
  for (const path of [
    ...pages,
    `/events/${id}`,
    `/subscriptions/${subscription.id}`,
    `/subscriptions/${subscription.id}/edit`,
    `/event-types/order.${long}`,
  ]) {
    await visit(page, server, path);
    await expectFits(page);
  }
});

test("every page fits every width while the server fails", async ({ console: page, server }) => {
  for (const path of pages) {
    await page.route(/postrider\.v1\.(?!SessionService)/, (route) =>
      route.fulfill({
        status: 500,
        contentType: "application/json",
        body: JSON.stringify({ code: "internal", message: `no ${long}` }),
      }),
    );
    await page.goto(server.url + path);
    await expect(page.getByRole("heading").first()).toBeVisible();
    await expectFits(page);
    await page.unrouteAll({ behavior: "ignoreErrors" });
  }
});
