import { expect, it } from "vitest";
import { limitKB, measure } from "./measure.mjs";

it("keeps a page that subscribes to two typed events within its limit", async () => {
  const { gzip } = await measure();
  expect(gzip).toBeGreaterThan(10_000);
  expect(gzip).toBeLessThanOrEqual(limitKB * 1000);
});
