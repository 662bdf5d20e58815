import { resolve } from "node:path";
import type { Page } from "@playwright/test";
import { expect, expectAccessible, signIn, test } from "./fixtures";
import type { Postrider } from "./postrider";

const schemas = resolve(import.meta.dirname, "../../gen/descriptors/shop.v1.binpb");
test.use({ args: ["--schemas", schemas] });

const order = {
  orderId: "A-1042",
  channel: "ORDER_CHANNEL_STORE",
  lines: [{ sku: "MUG", quantity: 2, unitPrice: { currency: "EUR", minorUnits: "1299" } }],
  total: { currency: "EUR", minorUnits: "2598" },
  ledgerNumber: "9007199254740993",
  createTime: "2026-01-31T09:00:00Z",
};

/** Registers a version 2 of a type of its own, without a field of the first. */
async function registerTwice(server: Postrider): Promise<void> {
  const source = (fields: string) => ({
    all: true,
    allowBreaking: true,
    files: [
      {
        path: "test/v1/note.proto",
        content: `syntax = "proto3"; package test.v1; // A note.\nmessage Note { ${fields} }`,
      },
    ],
  });
  const register = "EventTypeService/RegisterEventTypes";
  await server.call(register, source("string text = 1; string colour = 2;"));
  await server.call(register, source("string text = 1; int32 size = 3;"));
}

test("a type is documented, compared with its version before, and its level changed", async ({
  console: page,
  server,
}) => {
  await registerTwice(server);
  await server.subscribe("billing", "http://127.0.0.1:9/", { filter: { types: ["test.*"] } });
  await page.getByRole("link", { name: "Event types" }).click();
  await page.getByRole("link", { name: "shop.v1.OrderCreated" }).click();
  const fields = page.getByRole("region", { name: "Fields, version 1" });
  await expect(fields).toContainText("Number of the order as the customer sees it.");
  await expect(fields).toContainText("at most 64 characters");
  await fields.getByRole("link", { name: "Money" }).click();
  await expect(page.getByRole("region", { name: "shop.v1.Money" })).toBeInViewport();

  await page.goto(`${server.url}/event-types/test.v1.Note`);
  await expect(page.getByRole("link", { name: "billing" })).toBeVisible();
  const changes = page.getByRole("region", { name: "Changes" });
  await expect(changes).toContainText("int32 size = 3;");
  await expect(changes).toContainText("test.v1.Note.colour");
  await page.getByRole("link", { name: "Version 1" }).click();
  await expect(page.getByRole("region", { name: "Fields, version 1" })).toContainText("colour");

  await page.getByLabel("On this server").selectOption("Warn");
  await page.goto(`${server.url}/event-types`);
  await expect(page.getByRole("row", { name: /test\.v1\.Note/ })).toContainText("Warn");
});

test("a type that nothing names is deleted, one that is in use says why not", async ({
  console: page,
  server,
}) => {
  await registerTwice(server);
  await server.publish("test.v1.Note", { text: "hi" });
  await page.goto(`${server.url}/event-types/test.v1.Note`);
  await page.getByRole("button", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(dialog.getByRole("alert")).toBeVisible();
  await dialog.getByRole("button", { name: "Keep it" }).click();

  await page.goto(`${server.url}/event-types/shop.v1.OrderCancelled`);
  await page.getByRole("button", { name: "Delete" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("heading", { name: "Event types" })).toBeVisible();
  await expect(page.getByRole("link", { name: /OrderCancelled/ })).toHaveCount(0);
});

test("the playground begins with an example that is accepted, and sees it arrive", async ({
  console: page,
  server,
}) => {
  const { eventTypes } = await server.call<{ eventTypes: { name: string }[] }>(
    "EventTypeService/ListEventTypes",
    {},
  );
  expect(eventTypes.length).toBeGreaterThan(4);
  for (const { name } of eventTypes) {
    await page.goto(`${server.url}/playground?type=${name}`);
    await expect(page.getByText("It satisfies every rule.")).toBeVisible();
    await page.getByRole("button", { name: "Publish", exact: true }).click();
    const arrivals = page.getByRole("region", { name: "Arrivals" });
    await expect(arrivals.getByText(/, and arrived\./)).toBeVisible();
  }
});

test("a broken rule stands at its field, here and on the server", async ({
  console: page,
  server,
}) => {
  await page.goto(`${server.url}/playground?type=shop.v1.OrderCreated`);
  const sku = page.getByLabel(/^sku/);
  await sku.fill("no good");
  await expect(sku).toHaveAttribute("aria-invalid", "true");
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(sku).toBeFocused();
  await page.getByRole("button", { name: "Publish anyway" }).click();
  await expect(page.getByRole("alert")).toContainText("event.data.lines[0].sku");

  await sku.fill("GOOD-1");
  await page.getByLabel(/^ledger_number/).fill("9223372036854775807");
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await page
    .getByRole("region", { name: "Arrivals" })
    .getByRole("link", { name: /^evt_/ })
    .first()
    .click();
  await expect(page.getByRole("region", { name: "Data" })).toContainText("9223372036854775807");
});

test("the curl line of the playground works as it stands", async ({ console: page, server }) => {
  await page.goto(`${server.url}/playground?type=shop.v1.OrderShipped`);
  await page.getByRole("tab", { name: "curl" }).click();
  const line = await page.getByText(/^curl /).textContent();
  const { execFileSync } = await import("node:child_process");
  const answer = execFileSync("bash", ["-c", line ?? ""], {
    env: { ...process.env, KEY: server.adminKey },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const { id } = JSON.parse(answer.toString()) as { id: string };
  await expect(page.getByRole("link", { name: id })).toBeVisible();
});

test("a typed event is read by its schema; a warned one says what it breaks", async ({
  console: page,
  server,
}) => {
  const { id } = await server.publish("shop.v1.OrderCreated", order);
  await page.goto(`${server.url}/events/${id}`);
  const data = page.getByRole("region", { name: "Data" });
  await expect(data).toContainText("Store");
  await expect(data).toContainText("unit_price");
  await page.getByRole("button", { name: "JSON" }).click();
  await expect(data).toContainText('"ORDER_CHANNEL_STORE"');

  await server.call("EventTypeService/UpdateEventType", {
    eventType: { name: "shop.v1.OrderCreated", level: "ENFORCEMENT_LEVEL_WARN" },
    updateMask: "level",
  });
  const warned = await server.publish("shop.v1.OrderCreated", { ...order, orderId: 7, colour: 1 });
  await page.goto(`${server.url}/events/${warned.id}`);
  await expect(page.getByText(/It violates its schema/)).toBeVisible();
  await expect(data).toContainText("Must be a string.");
  await expect(data).toContainText("not in the schema");
});

test("an expression is completed, mended and tried while it is typed", async ({
  console: page,
  server,
  receiver,
}) => {
  await server.publish("shop.v1.OrderCreated", order);
  await server.publish("shop.v1.OrderCreated", {
    ...order,
    total: { currency: "EUR", minorUnits: "1" },
  });
  await page.goto(`${server.url}/subscriptions/new`);
  await page.getByLabel("Name", { exact: true }).fill("large orders");
  await page.getByLabel("Event types").fill("shop.v1.OrderCreated");
  await page.getByLabel("Webhook URL").fill(receiver.url);
  const expression = page.getByLabel("Expression");
  await expression.pressSequentially("event.data.tot");
  await expect(page.getByRole("option", { name: /^total/ })).toBeVisible();
  await expression.press("Enter");
  await expect(expression).toHaveValue("event.data.total");
  await expression.pressSequentially(".minr_units > 1000");
  await page.getByRole("button", { name: "Write minor_units" }).click();
  await expect(expression).toHaveValue("event.data.total.minor_units > 1000");
  await expect(page.getByText("It selects 1 of all 2 events of these types.")).toBeVisible();
  await page.getByRole("button", { name: "Create subscription" }).click();
  await expect(page.getByRole("heading", { name: /large orders/ })).toBeVisible();
  await expect(page.getByRole("region", { name: "Configuration" })).toContainText(
    "event.data.total.minor_units > 1000",
  );
});

test("typed pages are within reach of assistive technology", async ({ page, server }) => {
  // Some thirty looks at whole pages, each of which takes a while on a busy machine.
  test.setTimeout(300_000);
  await registerTwice(server);
  const { id } = await server.publish("shop.v1.OrderCreated", order);
  await page.goto(server.url);
  await signIn(page, server.adminKey);
  for (const path of [
    "/event-types",
    "/event-types/shop.v1.OrderPaid",
    "/event-types/test.v1.Note",
    "/event-types/nothing",
    "/playground?type=shop.v1.OrderShipped",
    `/events/${id}`,
  ]) {
    await page.goto(server.url + path);
    await settle(page);
    await expectAccessible(page);
  }
  await page.goto(`${server.url}/playground?type=shop.v1.OrderCreated`);
  await page.getByLabel(/^sku/).fill("no good");
  await page.getByRole("tab", { name: "Go" }).click();
  await page.getByRole("button", { name: "Publish anyway" }).click();
  await expect(page.getByRole("alert").first()).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "From JSON" }).click();
  await expectAccessible(page);

  await page.goto(`${server.url}/subscriptions/new`);
  await page.getByLabel("Expression").pressSequentially("event.data.totl > 3 && event.");
  await expect(page.getByRole("listbox")).toBeVisible();
  await expectAccessible(page);
});

/** Waits until the page has what it shows. */
async function settle(page: Page): Promise<void> {
  await expect(page.getByRole("heading").first()).toBeVisible();
  await expect(page.getByText(/^Loading/)).toHaveCount(0);
}
