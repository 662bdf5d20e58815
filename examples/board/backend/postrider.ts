import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where Postrider is, and a key for it. */
export interface Access {
  readonly url: string;
  readonly key: string;
}

const restartMs = 3_000;

/** Runs a Postrider with data of its own that pages of these origins may read, from the top of the repository. */
export async function startPostrider(listen: string, origins: string[]): Promise<Access> {
  const data = mkdtempSync(join(tmpdir(), "board-"));
  process.on("exit", () => rmSync(data, { recursive: true, force: true }));
  const url = await keepRunning([
    ...["serve", "--listen", listen, "--data", data, "--cors-origins", origins.join(",")],
    ...["--schemas", "gen/descriptors/shop.v1.binpb", "--log-level", "warn"],
  ]);
  const adminKey = readFileSync(join(data, "admin-key"), "utf8").trim();
  return { url, key: await newKey(url, adminKey) };
}

/** Starts the server, again whenever it is killed, and ends with it. Answers its URL once it is ready. */
function keepRunning(flags: string[]): Promise<string> {
  let server: ChildProcess | undefined;
  const stop = () => server?.kill() || process.exit();
  process.on("SIGINT", stop).on("SIGTERM", stop);
  return new Promise((ready) => {
    const start = () => {
      // In a group of its own: Ctrl-C is for this program, which then ends the server.
      server = spawn("bin/postrider", flags, {
        stdio: ["ignore", "pipe", "inherit"],
        detached: true,
      });
      server.stdout?.on("data", (said) => {
        const [, url] = /Web UI and API\s+(\S+)/.exec(String(said)) ?? [];
        if (!url) return;
        console.log(`Postrider is at ${url}, process ${server?.pid}`);
        ready(url);
      });
      server.on("exit", (code, signal) => {
        if (!signal) process.exit(code || process.exitCode);
        console.log(`Postrider was ended by ${signal} and starts again in ${restartMs / 1000} s`);
        setTimeout(start, restartMs);
      });
    };
    start();
  });
}

/** Makes a key that can do no more than the board needs. */
async function newKey(url: string, adminKey: string): Promise<string> {
  const scopes = ["API_KEY_SCOPE_PUBLISH", "API_KEY_SCOPE_CONSUME"];
  const answer = await fetch(`${url}/postrider.v1.ApiKeyService/CreateApiKey`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${adminKey}` },
    body: JSON.stringify({ apiKey: { name: "board", tenant: "default", scopes } }),
  });
  if (!answer.ok) throw new Error(`no key for the board: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { secret: string }).secret;
}
