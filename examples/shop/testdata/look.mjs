// Opens the shop's page in Chromium and prints the first order that is paid: look.mjs URL CHROMIUM
import { chromium } from "@playwright/test";

const [url, executablePath] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(error));
  await page.goto(url);
  const row = page.getByRole("row").filter({ hasText: "paid" });
  await row.waitFor({ timeout: 60_000 });
  console.log((await row.getByRole("cell").allTextContents()).join(" | "));
} finally {
  await browser.close();
}
