import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { expect, expectAccessible, test } from "./fixtures";
import { expectFits } from "./widths";

/** Characters that turn a line round, act on a terminal, or are not seen. */
const hostile = "a\u202egpj.exe\u001b[31m\u2066\u200b שלום";
const acting = new RegExp(
  "[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u00ad\\u200b-\\u200f" +
    "\\u2028-\\u202e\\u2060-\\u206f\\ufeff]",
);

test("list and detail fit at five widths, with long and hostile texts", async ({
  console: page,
  server,
  receiver,
}) => {
  test.slow();
  await server.subscribe("billing", receiver.url);
  const subject = hostile.repeat(8);
  const { id } = await server.publish(
    `a${".long-segment".repeat(12)}`,
    { [hostile]: hostile },
    { subject },
  );
  await expect(page.getByText("1 delivered", { exact: true })).toBeAttached();
  await expectFits(page);
  await expectAccessible(page);
  await page.getByRole("combobox", { name: "Search events" }).fill(subject);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("list", { name: "Conditions" })).toBeVisible();
  await expectFits(page);
  await expectAccessible(page);
  await page.goto(`${server.url}/events/${id}`);
  await expect(page.getByRole("button", { name: "Copy as curl" })).toBeVisible();
  await expect(page.getByText("Delivered", { exact: true })).toBeVisible();
  await expectFits(page);
  await expectAccessible(page);
  await page.getByRole("button", { name: "Resend" }).click();
  await expect(page.getByRole("button", { name: "Publish a copy" })).toBeFocused();
  await expectFits(page);
  await expectAccessible(page);
});

test("characters that act unseen are shown by their number, wherever they come from", async ({
  console: page,
  server,
}) => {
  const endpoint = createServer((request, response) => {
    request.resume();
    response.writeHead(400, { "Content-Type": "text/plain" }).end(hostile);
  }).listen(0, "127.0.0.1");
  await once(endpoint, "listening");
  const address = endpoint.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const hook = `http://127.0.0.1:${port}/hook`;
  await server.subscribe("refusing", hook, { description: hostile });
  const { id } = await server.publish("order.created", { text: hostile }, { subject: hostile });
  await page.goto(`${server.url}/events/${id}`);
  await page.getByRole("button", { name: /refusing/ }).click();
  const escaped = "a\\u202egpj.exe\\u001b[31m\\u2066\\u200b";
  await expect(page.getByText(escaped).nth(3)).toBeAttached();
  const shown = () => page.evaluate(() => `${document.body.textContent} ${document.title}`);
  expect(await shown()).not.toMatch(acting);
  for (const path of ["/deliveries", "/subscriptions", "/overview", "/playground"]) {
    await page.goto(server.url + path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.getByRole("status").filter({ hasText: "Loading" })).toHaveCount(0);
    expect(await shown(), path).not.toMatch(acting);
  }
  // A text that is written from right to left does not move what stands beside it.
  await page.goto(`${server.url}/events/${id}`);
  const mixed = await page.evaluate(
    () =>
      [...document.querySelectorAll("body *")].filter(
        (element) => getComputedStyle(element).unicodeBidi === "normal",
      ).length,
  );
  expect(mixed, "elements that are not isolated").toBe(0);
  endpoint.close();
});

test("Enter in the list leads into the detail, Escape back", async ({ console: page, server }) => {
  const { id } = await server.publish("order.created", {});
  const row = page.locator(`[data-row="${id}"]`);
  await expect(row).toBeVisible();
  await page.keyboard.press("j");
  await expect(row).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("complementary", { name: "Event" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(row).toBeFocused();
});

test("the line between list and detail moves by mouse, touch and key, and stays", async ({
  console: page,
  server,
}) => {
  const { id } = await server.publish("order.created", {});
  await page.setViewportSize({ width: 1440, height: 800 });
  await page.goto(`${server.url}/events/${id}`);
  const line = page.getByRole("separator", { name: "Width of the event" });
  const detail = page.getByRole("complementary", { name: "Event" });
  const width = async () => (await detail.boundingBox())?.width ?? 0;
  const middle = async () => {
    const box = await line.boundingBox();
    return { x: (box?.x ?? 0) + (box?.width ?? 0) / 2, y: (box?.y ?? 0) + 300 };
  };
  const first = await width();

  const from = await middle();
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(from.x - 200, from.y, { steps: 4 });
  await page.mouse.up();
  await expect.poll(width).toBeGreaterThan(first + 180);
  const wide = await width();

  await line.focus();
  await page.keyboard.press("ArrowRight");
  await expect.poll(width).toBeLessThan(wide - 20);

  const touch = await page.context().newCDPSession(page);
  const at = await middle();
  const send = (type: "touchStart" | "touchMove" | "touchEnd", x: number) =>
    touch.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: type === "touchEnd" ? [] : [{ x, y: at.y }],
    });
  // Beside the line, where a finger hits its target.
  await send("touchStart", at.x + 8);
  for (const step of [60, 120, 200]) await send("touchMove", at.x + step);
  await send("touchEnd", at.x + 200);
  await expect.poll(width).toBeLessThan(wide - 150);
  const last = await width();
  await page.reload();
  await expect(detail).toBeVisible();
  expect(Math.abs((await width()) - last)).toBeLessThan(12);

  await line.dblclick();
  await expect.poll(async () => Math.abs((await width()) - first)).toBeLessThan(4);
  await page.setViewportSize({ width: 820, height: 800 });
  await expect(line).toBeHidden();
});

test("an event is sent again as a copy, and its command publishes it from a shell", async ({
  console: page,
  server,
  receiver,
}) => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await server.subscribe("billing", receiver.url);
  const large = "x".repeat(1 << 20).slice(0, (1 << 20) - 64);
  const data = { note: "it's \u202e here", large };
  const { id } = await server.publish("order.created", data, { subject: "order/42" });
  await page.goto(`${server.url}/events/${id}`);
  await page.getByRole("button", { name: "Resend" }).click();
  await page.getByRole("button", { name: "Publish a copy" }).click();
  await page.getByRole("link", { name: /^copy_/ }).click();
  await expect(page).toHaveURL(/\/events\/copy_/);
  await expect(page.getByRole("complementary", { name: "Event" })).toContainText("copy_");
  await expect(page.getByText("Delivered", { exact: true })).toBeVisible();

  await page.getByRole("button", { name: "Copy as curl" }).click();
  const command = () => page.evaluate(() => navigator.clipboard.readText());
  await expect.poll(async () => (await command()).length).toBeGreaterThan(1 << 20);
  const answer = execFileSync("bash", {
    input: await command(),
    env: { ...process.env, KEY: server.adminKey },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const third = JSON.parse(answer.toString()).id;
  const { event } = await server.call<{ event: { data: unknown; subject: string } }>(
    "EventService/GetEvent",
    { id: third },
  );
  expect(event.subject).toBe("order/42");
  expect(event.data).toEqual(data);

  await page.getByRole("button", { name: "Copy link" }).click();
  await expect.poll(command).toBe(page.url().replace(/\?.*/, ""));
});
