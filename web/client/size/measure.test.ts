import { expect, it } from "vitest";
import { measure, pages } from "./measure.mjs";

it.each(pages)("keeps $title within $limitKB kB", async ({ name, limitKB }) => {
  const { gzip } = await measure(name);
  expect(gzip).toBeGreaterThan(3_000);
  expect(gzip).toBeLessThanOrEqual(limitKB * 1000);
});
