import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures";
import { mainThread } from "./main-thread";

const events = 100_000;
const firstListMs = 300;
const frameMs = 50;

test("a hundred thousand events and one of a megabyte: the first list and the frames of a scroll", async ({
  console: page,
  server,
}) => {
  test.slow();
  // The page does not follow: it would be measured while it still catches up.
  await page.goto("about:blank");
  const begin = performance.now();
  await server.publishMany(events - 1, "load.test");
  await server.publish("load.large", { text: "x".repeat((1 << 20) - 64) });

  const seconds = (performance.now() - begin) / 1000;
  // What else the machine does is no fault of the server: the fastest of a few counts.
  const lists: number[] = [];
  await expect
    .poll(async () => {
      lists.push(await firstList(page, server.url));
      return Math.min(...lists);
    })
    .toBeLessThan(firstListMs);
  const large = page.getByRole("link", { name: /load\.large/ });
  await expect(large).toBeVisible();

  const { took, worked } = await framesOf(page);
  const p95 = percentile(worked, 0.95);
  const rounded = lists.map((ms) => ms.toFixed(0));
  console.log(
    `${events} events in ${seconds.toFixed(1)} s; first list ${rounded.join(", ")} ms; ` +
      `work of a frame: median ${percentile(worked, 0.5).toFixed(1)} ms, p95 ${p95.toFixed(1)} ms; ` +
      `by the clock p95 ${percentile(took, 0.95).toFixed(1)} ms`,
  );
  expect(p95, "the 95th percentile of the frames, in ms").toBeLessThan(frameMs);

  await page.getByRole("button", { name: "Newest" }).click();
  await large.click();
  await expect(page.getByRole("region", { name: "Data" })).toContainText('"text"');
});

/** Opens the page. Returns how long the server takes for its first list, from the request to the last byte. */
async function firstList(page: Page, url: string): Promise<number> {
  const [request] = await Promise.all([
    page.waitForRequest(/EventService\/ListEvents(\?|$)/),
    page.goto(`${url}/events`),
  ]);
  const response = await request.response();
  await response?.finished();
  return request.timing().responseEnd;
}

/** Scrolls by 300 pixels a frame. Returns how long each frame took, and how long the main thread worked on it. */
async function framesOf(page: Page): Promise<{ took: number[]; worked: number[] }> {
  const box = page.getByRole("region", { name: /Events, newest first/ });
  const meter = await mainThread(page);
  const took: number[] = [];
  const worked: number[] = [];
  let before = await meter();
  for (let frame = 0; frame < 120; frame++) {
    took.push(
      await box.evaluate(async (element) => {
        const begin = performance.now();
        element.scrollTop += 300;
        await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame);
        return (performance.now() - begin) / 2;
      }),
    );
    const now = await meter();
    worked.push(now - before);
    before = now;
  }
  return { took, worked };
}

function percentile(values: number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
}
