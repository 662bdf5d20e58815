import { expect, expectAccessible, test } from "./fixtures";
import { freePort } from "./postrider";

test("a subscription made in the form delivers, and its attempts are shown", async ({
  console: page,
  server,
  receiver,
}) => {
  await page.getByRole("link", { name: "Subscriptions", exact: true }).click();
  await page.getByRole("link", { name: "New subscription" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill("billing");
  await page.getByLabel("Event types").fill("order.*");
  await page.getByLabel("Webhook URL").fill(receiver.url);
  await page.getByRole("button", { name: "Create subscription" }).click();
  await expect(page.getByRole("heading", { name: /billing/ })).toBeVisible();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();

  await server.publish("order.created", { orderId: "42" });
  await server.publish("payment.failed", {});
  const delivery = page.getByRole("button", { name: /order\.created/ });
  await expect(delivery).toBeVisible();
  await expect(page.getByRole("listitem").filter({ has: delivery })).toContainText("Delivered");
  await delivery.click();
  await expect(page.getByRole("region", { name: "Request of attempt 1" })).toContainText(
    /webhook-signature/i,
  );
  await expect(page.getByRole("region", { name: "Request body of attempt 1" })).toContainText(
    '"orderId": "42"',
  );
  await expect(page.getByRole("region", { name: "Response of attempt 1" })).toContainText("200");
  await expect(page.getByRole("figure", { name: "Timing" })).toBeVisible();
  expect(receiver.bodies).toHaveLength(1);
});

test("an event shows its deliveries; a refused one is retried by hand", async ({
  console: page,
  server,
  receiver,
}) => {
  receiver.status = 422;
  await server.subscribe("billing", receiver.url, { policy: { retrySchedule: ["0.1s"] } });
  const { id } = await server.publish("order.created", { orderId: "42" });
  await page.goto(`${server.url}/events/${id}`);
  const deliveries = page.getByRole("region", { name: "Deliveries" });
  await expect(deliveries.getByText("Dead", { exact: true })).toBeVisible();
  await deliveries.getByRole("button", { name: /billing/ }).click();
  await expect(deliveries.getByText("#2")).toBeVisible();
  receiver.status = 200;
  await deliveries.getByRole("button", { name: "Retry now" }).click();
  await expect(deliveries.getByText("#3")).toBeVisible();
  await expect(deliveries.getByText("retried by hand")).toBeVisible();
});

test("an attempt shows what was sent, after the subscription has changed", async ({
  console: page,
  server,
  receiver,
}) => {
  receiver.status = 422;
  const old = `${receiver.url}/old`;
  const { subscription } = await server.subscribe("billing", old, {
    policy: { retrySchedule: ["0.1s"] },
  });
  const { id } = await server.publish("order.created", { orderId: "42" });
  await page.goto(`${server.url}/events/${id}`);
  const deliveries = page.getByRole("region", { name: "Deliveries" });
  await expect(deliveries.getByText("Dead", { exact: true })).toBeVisible();
  await server.call("SubscriptionService/UpdateSubscription", {
    subscription: {
      id: subscription.id,
      target: { webhook: { url: `http://127.0.0.1:${await freePort()}/new` } },
    },
  });
  await deliveries.getByRole("button", { name: /billing/ }).click();
  await deliveries.getByRole("button", { name: "Retry now" }).click();
  await expect(deliveries.getByText("#4")).toBeVisible();

  const request = (attempt: number) =>
    deliveries.getByRole("region", { name: `Request of attempt ${attempt}` });
  await expect(request(4)).toContainText("/new");
  await expect(request(4)).toContainText("Nothing was sent: there was no connection.");
  await deliveries.getByText("#2").click();
  await deliveries.getByText("#1").click();
  await expect(request(2)).toContainText(`POST ${old}`);
  await expect(request(2)).toContainText(/Webhook-Signature/);
  await expect(request(2)).toContainText('"orderId": "42"');
  await expect(request(1)).toContainText("The body is the same as in a newer attempt above");
  await expectAccessible(page);
});

test("a subscription is paused, resumed, tested, and its secret revealed", async ({
  console: page,
  server,
  receiver,
}) => {
  const { subscription } = await server.subscribe("billing", receiver.url);
  await page.goto(`${server.url}/subscriptions/${subscription.id}`);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByText("Paused", { exact: true })).toBeVisible();
  await server.publish("order.created", {});
  await expect(page.getByText("No deliveries yet.")).toBeVisible();
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByRole("button", { name: /order\.created/ })).toBeVisible();

  await page.getByRole("button", { name: "Test", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Send test event" }).click();
  await expect(dialog.getByText("Delivered")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();

  await page.getByRole("button", { name: "Reveal secret" }).click();
  await expect(page.getByText(/^whsec_/)).toBeVisible();
});

test("what the server refuses is shown at the field", async ({ console: page, server }) => {
  await page.goto(`${server.url}/subscriptions/new`);
  await page.getByLabel("Name", { exact: true }).fill("billing");
  await page.getByLabel("Event types").fill("order.*.paid");
  await page.getByLabel("Webhook URL").fill("http://10.1.2.3/hook");
  await page.getByRole("button", { name: "Create subscription" }).click();
  await expect(page.getByLabel("Event types")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Event types").fill("order.*");
  await page.getByRole("button", { name: "Create subscription" }).click();
  await expect(page.getByLabel("Webhook URL")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Event types")).not.toHaveAttribute("aria-invalid", "true");
});

test("a name that is taken is said at the name; an edit keeps sealed headers", async ({
  console: page,
  server,
  receiver,
}) => {
  const { subscription } = await server.subscribe("billing", receiver.url, {
    target: { webhook: { url: receiver.url, headers: { "X-Key": "sesame" } } },
  });
  await page.goto(`${server.url}/subscriptions/new`);
  await page.getByLabel("Name", { exact: true }).fill("billing");
  await page.getByLabel("Webhook URL").fill(receiver.url);
  await page.getByRole("button", { name: "Create subscription" }).click();
  await expect(page.getByLabel("Name", { exact: true })).toHaveAttribute("aria-invalid", "true");

  await page.goto(`${server.url}/subscriptions/${subscription.id}/edit`);
  await expect(page.getByLabel("Value of header 1")).toHaveValue("•••");
  await page.getByLabel("Description").fill("Invoices.");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByText("Invoices.")).toBeVisible();
});
