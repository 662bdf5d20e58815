import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import type { Browser, Page } from "@playwright/test";
import { test as base, expect, expectAccessible } from "./fixtures";
import { freePort, Postrider } from "./postrider";

/* examples/board, as `make board` runs it, against a server of the test's own. */

const top = resolve(import.meta.dirname, "../..");

/** The order numbers of each column, from the top. */
type Columns = Record<"created" | "paid" | "shipped" | "cancelled", string[]>;

/** The program that `make board` runs, and what it says. */
class Program {
  readonly #process: ChildProcessByStdio<null, Readable, null>;
  #said = "";

  constructor(port: number, env: Record<string, string>) {
    this.#process = spawn(process.execPath, ["examples/board/dist/backend/main.js"], {
      cwd: top,
      env: { ...process.env, ...env, BOARD_PORT: String(port) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process.stdout.on("data", (text) => {
      this.#said += text;
    });
  }

  /** Waits until the program says something for the first or a later time, and answers its last group. */
  async says(wanted: RegExp, times = 1): Promise<string> {
    const found = () => [...this.#said.matchAll(new RegExp(wanted, "g"))][times - 1];
    await expect.poll(found, { timeout: 20_000 }).toBeDefined();
    return found()?.at(-1) ?? "";
  }

  /** Ends it as an operator does, and answers its exit code. */
  async stop(): Promise<number | null> {
    if (this.#process.exitCode === null) {
      this.#process.kill("SIGTERM");
      await once(this.#process, "exit");
    }
    return this.#process.exitCode;
  }
}

class Board {
  private constructor(
    readonly server: Postrider,
    readonly url: string,
    readonly backend: Program,
  ) {}

  static async start(): Promise<Board> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const schemas = resolve(top, "gen/descriptors/shop.v1.binpb");
    const server = await Postrider.start("--schemas", schemas, "--cors-origins", url);
    const access = { POSTRIDER_URL: server.url, POSTRIDER_API_KEY: server.adminKey };
    const backend = new Program(port, access);
    await backend.says(/The order board is at/);
    return new Board(server, url, backend);
  }

  async open(browser: Browser): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    page.on("pageerror", (error) => expect.soft(error.message, "thrown in the page").toBe(""));
    await page.goto(this.url);
    await expectState(page, "live");
    return page;
  }

  /** What the board has to show, worked out from what the server has stored. */
  async log(): Promise<Columns> {
    const { events = [] } = await this.server.call<{
      events?: { type: string; subject: string }[];
    }>("EventService/ListEvents", { pageSize: 1000 });
    const columns: Columns = { created: [], paid: [], shipped: [], cancelled: [] };
    for (const { type, subject } of events.reverse()) {
      for (const column of Object.values(columns)) {
        if (column.includes(subject)) column.splice(column.indexOf(subject), 1);
      }
      const state = type.replace("shop.v1.Order", "").toLowerCase() as keyof Columns;
      columns[state].unshift(subject);
    }
    return columns;
  }

  async close(): Promise<void> {
    await this.backend.stop();
    await this.server.remove();
  }
}

const expectState = (page: Page, state: string) =>
  expect(page.locator("#status")).toHaveAttribute("data-state", state, { timeout: 20_000 });

const shown = (page: Page): Promise<Columns> =>
  page.evaluate(() => {
    const numbers = (id: string) =>
      [...document.querySelectorAll(`#${id} h3`)].map((heading) => heading.textContent ?? "");
    const [created, paid] = [numbers("created"), numbers("paid")];
    return { created, paid, shipped: numbers("shipped"), cancelled: numbers("cancelled") };
  });

/** Places an order at a page, and answers its number once the page shows it. */
async function place(page: Page, article: string): Promise<string> {
  const known = new Set(Object.values(await shown(page)).flat());
  await page.getByLabel("Article").selectOption(article);
  await page.getByRole("button", { name: "Place order" }).click();
  const added = async () => (await shown(page)).created.filter((order) => !known.has(order));
  await expect.poll(added).toHaveLength(1);
  return (await added())[0] ?? "";
}

const press = (page: Page, step: string, order: string) =>
  page.getByRole("button", { name: `${step} order ${order}` }).click();

const test = base.extend<{ board: Board }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures off the pattern.
  board: async ({}, use) => {
    const board = await Board.start();
    await use(board);
    await board.close();
  },
});

test("two browsers show the same orders, over a crash of the server", async ({
  board,
  browser,
}) => {
  const here = await board.open(browser);
  const history = await place(here, "Blue mug");
  await press(here, "Pay", history);
  const there = await board.open(browser);
  await expect(there.locator("#paid h3")).toHaveText([history]);

  const second = await place(there, "Oak lamp");
  await press(here, "Cancel", second);
  await press(there, "Ship", history);
  await expect(here.locator("#shipped h3")).toHaveText([history]);
  await expect(there.locator("#cancelled h3")).toHaveText([second]);
  await expect(there.locator("#news")).toHaveText(`Order ${history} is shipped.`);

  await board.server.down("SIGKILL");
  await expectState(here, "connecting");
  // The backend keeps an order until the server is back, and stores it once.
  await here.getByRole("button", { name: "Place order" }).click();
  await board.server.up();
  await expect(there.locator("#created li")).toHaveCount(1, { timeout: 20_000 });
  await press(there, "Pay", (await there.locator("#created h3").textContent()) ?? "");
  await place(there, "Ash chair");
  for (const page of [here, there]) {
    await expectState(page, "live");
    await expect.poll(() => shown(page)).toEqual(await board.log());
    await expect(page.locator("#notice")).toBeEmpty();
  }
  await expectAccessible(here);
});

test("the second of two who press is told, and the keyboard stays with its card", async ({
  board,
  browser,
}) => {
  const here = await board.open(browser);
  const order = await place(here, "Oak lamp");
  await here.getByRole("button", { name: `Pay order ${order}` }).focus();
  await here.keyboard.press("Enter");
  await expect(here.locator("#paid li")).toBeFocused();
  const placed = await board.server.call<{ events: [unknown, { data: object }] }>(
    "EventService/ListEvents",
    {},
  );
  const late = await here.request.post(`${board.url}/orders/pay`, { data: placed.events[1].data });
  expect([late.status(), await late.text()]).toEqual([409, "Somebody else was faster."]);
});

test("a log that was replaced is read from its beginning", async ({ board, browser }) => {
  const page = await board.open(browser);
  await place(page, "Blue mug");
  await board.server.down();
  await board.server.forget();
  await board.server.up();
  await expect(page.locator("#notice")).toContainText("The board was read afresh", {
    timeout: 20_000,
  });
  await expectState(page, "live");
  expect(await shown(page)).toEqual(await board.log());
  await expect(page.locator("h2 span")).toHaveText(["0", "0", "0", "0"]);
  await place(page, "Ash chair");
  await expect.poll(() => shown(page)).toEqual(await board.log());
});

test("make board starts a server with a history, and again when it was killed", async ({
  page,
}) => {
  const port = await freePort();
  const program = new Program(port, { POSTRIDER_LISTEN: `127.0.0.1:${await freePort()}` });
  try {
    await page.goto(await program.says(/The order board is at (\S+)/));
    await expect(page.locator("main li")).toHaveCount(7);
    await expect(page.locator("h2 span")).toHaveText(["2", "2", "1", "2"]);
    process.kill(Number(await program.says(/Postrider is at \S+, process (\d+)/)), "SIGKILL");
    await program.says(/Postrider is at/, 2);
    await place(page, "Oak lamp");
    await expect(page.locator("main li")).toHaveCount(8);
  } finally {
    expect(await program.stop()).toBe(0);
  }
});
