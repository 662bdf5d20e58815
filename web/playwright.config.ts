import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  // Each test has a server of its own; more browsers at once only slow each other down on a small machine.
  workers: 1,
  // Long enough for a busy machine; who waits for longer waits in vain.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  forbidOnly: true,
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    launchOptions: {
      executablePath: process.env.POSTRIDER_TEST_CHROMIUM || "/usr/bin/chromium",
      // Containers run as root, where Chromium's sandbox does not start.
      args: ["--no-sandbox"],
    },
    screenshot: "only-on-failure",
  },
});
