import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";
import { Postrider } from "./postrider";
import { Receiver } from "./receiver";

interface Fixtures {
  /** Further arguments of `postrider serve`, for a file's test.use. */
  args: string[];
  server: Postrider;
  receiver: Receiver;
  /** Signed in with the admin key, on the events. */
  console: Page;
}

export const test = base.extend<Fixtures>({
  args: [[], { option: true }],
  server: async ({ args }, use) => {
    const server = await Postrider.start(...args);
    await use(server);
    await server.remove();
  },
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures off the pattern.
  receiver: async ({}, use) => {
    const receiver = await Receiver.start();
    await use(receiver);
    await receiver.stop();
  },
  console: async ({ page, server }, use) => {
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(`${server.url}/events`);
    await signIn(page, server.adminKey);
    await expect(page.getByRole("heading", { name: "Events", exact: true })).toBeVisible();
    await use(page);
    expect(complaints, "errors thrown in the page").toEqual([]);
  },
});

export { expect };

export async function signIn(page: Page, key: string): Promise<void> {
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
}

/** Fails on anything axe finds, in both themes. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await new AxeBuilder({ page })
      // WCAG 2.2: at least 24 px to aim at.
      .options({ rules: { "target-size": { enabled: true } } })
      .analyze();
    const found = violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join(" | ")}`,
    );
    expect(found, `axe on ${page.url()}, ${colorScheme}`).toEqual([]);
  }
}
