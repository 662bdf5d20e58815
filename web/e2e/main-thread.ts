import type { Page } from "@playwright/test";

/**
 * A meter of what the page's main thread has worked on script, style and layout, in CPU time: a busy machine and painting
 * without a graphics card do not count against it.
 */
export async function mainThread(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    const counted = ["ScriptDuration", "LayoutDuration", "RecalcStyleDuration"];
    const seconds = metrics.filter(({ name }) => counted.includes(name)).map(({ value }) => value);
    return seconds.reduce((sum, value) => sum + value, 0) * 1000;
  };
}
