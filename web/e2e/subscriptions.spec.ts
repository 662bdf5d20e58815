import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { expect, expectAccessible, test } from "./fixtures";
import { freePort } from "./postrider";
import { expectFits } from "./widths";

const longName = "n".repeat(90);

/** An endpoint that gives every event the same answer. */
async function answering(status: number, headers: Record<string, string> = {}) {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, headers).end("what is wrong");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return { server, url: `http://127.0.0.1:${address.port}/hook` };
}

let servers: Server[] = [];
test.afterEach(() => {
  for (const server of servers) server.close();
  servers = [];
});

async function endpoint(status: number, headers?: Record<string, string>): Promise<string> {
  const { server, url } = await answering(status, headers);
  servers.push(server);
  return url;
}

test("each subscription says how it is, what fails first", async ({
  console: page,
  server,
  receiver,
}) => {
  await server.subscribe("a healthy", receiver.url);
  await server.subscribe("b idle", receiver.url, { filter: { types: ["never"] } });
  await server.subscribe(`c ${longName}`, await endpoint(400));
  await server.subscribe("d lost", `http://127.0.0.1:${await freePort()}/hook`);
  await server.subscribe("e gone", await endpoint(410));
  await server.subscribe("f slow", await endpoint(429, { "Retry-After": "600" }));
  for (let n = 0; n < 6; n++) await server.publish("order.created", { n });
  await page.goto(`${server.url}/subscriptions`);
  const rows: [name: RegExp, words: RegExp][] = [
    [/a healthy/, /Healthy/],
    [/b idle/, /No events yet/],
    [/c nnn/, /Failing: 100 % refused \(400\) since \d\d:\d\d/],
    [/d lost/, /Unreachable: connection refused, (next probe in \d+ s|probing now)/],
    [/e gone/, /Disabled by its endpoint \(410\)/],
    [/f slow/, /Held until .*: asked to slow down/],
  ];
  for (const [name, words] of rows) {
    await expect(page.getByRole("row", { name })).toContainText(words);
  }
  const names = await page.locator("[data-row]").allTextContents();
  expect(names.map((name) => name[0]).join("")).toBe("cdfeab");
  await expectFits(page);
  await expectAccessible(page);

  await page.getByRole("button", { name: /^Failing/ }).click();
  await expect(page).toHaveURL(/state=failing/);
  await expect(page.locator("[data-row]")).toHaveCount(2);
  await page.getByRole("searchbox").fill("lost");
  await expect(page.locator("[data-row]")).toHaveCount(1);

  await server.down("SIGKILL");
  await server.up();
  await page.goto(`${server.url}/subscriptions?state=failing&q=nnn`);
  await expect(page.getByRole("row", { name: /c nnn/ })).toContainText(
    /Failing: 100 % refused \(400\) since/,
  );
});

test("a thousand subscriptions are one list", async ({ console: page, server }) => {
  const url = `http://127.0.0.1:${await freePort()}/hook`;
  for (let n = 0; n < 1000; n += 50) {
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        server.subscribe(`s${n + i} ${longName}`.slice(0, 90), url),
      ),
    );
  }
  const list = () => server.call("SubscriptionService/ListSubscriptions", { pageSize: 1000 });
  await list();
  const began = performance.now();
  await list();
  const took = performance.now() - began;
  test.info().annotations.push({ type: "list of 1,000", description: `${took.toFixed(0)} ms` });
  console.info(`list of 1,000: ${took.toFixed(0)} ms`);
  await page.goto(`${server.url}/subscriptions`);
  await expect(page.getByRole("button", { name: "All 1,000" })).toBeVisible();
  expect(await page.locator("[data-row]").count()).toBeLessThan(60);
  await page.getByRole("searchbox").fill("s999");
  await expect(page.locator("[data-row]")).toHaveCount(1);
  await expectFits(page);
});

test("subscriptions of all tenants are one list, and each is opened in its tenant", async ({
  console: page,
  server,
}) => {
  await server.call("TenantService/CreateTenant", { tenant: { name: "acme" } });
  await server.subscribe("mine", await endpoint(200));
  await server.call("SubscriptionService/CreateSubscription", {
    tenant: "acme",
    subscription: { name: longName, target: { webhook: { url: await endpoint(200) } } },
  });
  await page.goto(`${server.url}/subscriptions`);
  await expect(page.locator("[data-row]")).toHaveText(["mine"]);
  await page.getByLabel("Subscriptions of").selectOption("All tenants");
  await expect(page.locator("[data-row]")).toHaveCount(2);
  await expect(page).toHaveURL(/tenants=all/);
  await expectFits(page);
  await expectAccessible(page);
  await page.getByRole("searchbox").fill("acme");
  await expect(page.locator("[data-row]")).toHaveText([longName]);
  await page.locator("[data-row]").focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: longName })).toBeVisible();
  await expect(page.getByLabel("Tenant", { exact: true })).toHaveValue("acme");
});

test("a subscription is tested with an event that is chosen", async ({
  console: page,
  server,
  receiver,
}) => {
  await server.subscribe("billing", receiver.url, { filter: { types: ["order.*"] } });
  await server.publish("order.created", { total: 17 });
  await server.publish("user.left", {});
  await page.goto(`${server.url}/subscriptions`);
  await page.getByRole("link", { name: "billing" }).click();
  await page.getByRole("button", { name: "Test", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Test billing" });
  const choice = dialog.getByLabel("Event", { exact: true });
  await expect(choice.getByRole("option")).toHaveCount(2);
  await choice.selectOption({ index: 1 });
  await dialog.getByRole("button", { name: "Send test event" }).click();
  await expect(dialog.getByRole("region", { name: /^Request body/ })).toContainText("17");
  await expect(dialog.getByRole("button", { name: "Send again" })).toBeVisible();
  await expectFits(page);
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
});

test("deliveries that failed are found, read and retried", async ({
  console: page,
  server,
  receiver,
}) => {
  receiver.status = 400;
  await server.subscribe("billing", receiver.url, { policy: { retrySchedule: ["0.1s"] } });
  for (let n = 0; n < 3; n++) {
    await server.publish("order.created", { n }, { subject: `customer-${n}` });
  }
  await page.getByRole("link", { name: "Deliveries", exact: true }).click();
  await page.getByRole("button", { name: "Dead", exact: true }).click();
  await expect(page.getByRole("row", { name: /customer-2.*400 Refused/ })).toBeVisible();
  await expect(page.getByRole("checkbox")).toHaveCount(3);
  await expectFits(page);
  await expectAccessible(page);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  const regions = page.getByRole("region", { name: /^(Request|Response) of attempt 2/ });
  await expect(regions.first()).toHaveAccessibleName("Response of attempt 2");
  await expectFits(page);
  await page.keyboard.press("Escape");
  receiver.status = 200;
  await page.getByRole("button", { name: "Select all shown" }).click();
  await page.getByRole("button", { name: "Retry 3 selected" }).click();
  await expect(page.getByText("3 retried.")).toBeVisible();
  await expect(page.getByText("No delivery is in this state.")).toBeVisible();
  await page.goto(`${server.url}/deliveries?types=order.*&subscription=billing&state=DELIVERED`);
  await expect(page.getByRole("checkbox")).toHaveCount(3);
  await page.goto(`${server.url}/deliveries?types=payment.*`);
  await expect(page.getByText("No delivery is in this state.")).toBeVisible();
});
