import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The program under test. */
export const binary = resolve(
  import.meta.dirname,
  process.env.POSTRIDER_BIN ?? "../../bin/postrider",
);
const startLimitMs = 20_000;

/** The real server on a port and a data folder of its own. */
export class Postrider {
  readonly adminKey = "e2e-admin-key-0123456789";
  readonly url: string;
  readonly #data: string;
  readonly #args: string[];
  #process: ChildProcess | undefined;
  #log = "";

  private constructor(port: number, data: string, args: string[]) {
    this.url = `http://127.0.0.1:${port}`;
    this.#data = data;
    this.#args = args;
  }

  /** `args` are further arguments of `postrider serve`. */
  static async start(...args: string[]): Promise<Postrider> {
    if (!existsSync(binary)) throw new Error(`${binary} does not exist: run make build first`);
    const data = await mkdtemp(join(tmpdir(), "postrider-e2e-"));
    const server = new Postrider(await freePort(), data, args);
    await server.up();
    return server;
  }

  /** Starts the process on the same port and data as before. */
  async up(): Promise<void> {
    const listen = this.url.replace("http://", "");
    const args = [
      "serve",
      "--listen",
      listen,
      "--data",
      this.#data,
      "--allow-targets",
      "127.0.0.0/8",
      ...this.#args,
    ];
    const child = spawn(binary, args, {
      env: { ...process.env, POSTRIDER_ADMIN_KEY: this.adminKey },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (text) => {
        this.#log += text;
      });
    }
    await this.#ready(child);
  }

  /** Ends the process as a crash or an operator would. */
  async down(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  /** Forgets all that is stored: the next `up` begins a new log. The process has to be down. */
  async forget(): Promise<void> {
    await rm(this.#data, { recursive: true, force: true });
  }

  async remove(): Promise<void> {
    await this.down();
    await this.forget();
  }

  /** Calls a method as curl would: plain JSON and the admin key. */
  async call<T = Record<string, unknown>>(method: string, body: unknown): Promise<T> {
    const response = await fetch(`${this.url}/postrider.v1.${method}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${this.adminKey}` },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  publish(
    type: string,
    data: unknown,
    more: Record<string, unknown> = {},
  ): Promise<{ id: string }> {
    return this.call("EventService/Publish", { event: { type, data, ...more } });
  }

  /** Publishes many events, a thousand a call. */
  async publishMany(count: number, type: string): Promise<void> {
    for (let done = 0; done < count; done += 1000) {
      const events = Array.from({ length: Math.min(1000, count - done) }, (_, i) => ({
        type,
        data: { n: done + i },
      }));
      await this.call("EventService/PublishBatch", { events });
    }
  }

  subscribe(name: string, url: string, more: Record<string, unknown> = {}) {
    return this.call<{ subscription: { id: string } }>("SubscriptionService/CreateSubscription", {
      subscription: { name, target: { webhook: { url } }, ...more },
    });
  }

  async #ready(child: ChildProcess): Promise<void> {
    const limit = Date.now() + startLimitMs;
    for (;;) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (answer?.ok) return;
      if (child.exitCode !== null || Date.now() > limit) {
        throw new Error(`the server did not start:\n${this.#log}`);
      }
      await new Promise((resume) => setTimeout(resume, 25));
    }
  }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}
