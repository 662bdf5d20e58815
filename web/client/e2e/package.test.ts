import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, type Postrider } from "../../e2e/postrider";
import { startServer } from "./server";

/*
 * The package as somebody else gets it: packed, installed from the tarball into an empty folder, and used by the programs
 * that README.md shows, compiled there.
 */

const run = promisify(execFile);
const home = resolve(import.meta.dirname, "..");
const modules = resolve(home, "../../node_modules");
const require = createRequire(import.meta.url);
const compiler = join(require.resolve("typescript/package.json"), "../bin/tsc");
const programs = ["publish", "subscribe", "light", "webhook"] as const;
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

let server: Postrider;
let folder: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "postrider-client-"));
  [server] = await Promise.all([startServer(), install()]);
}, 120_000);

afterAll(async () => {
  for (const child of children) child.kill();
  await server?.remove();
  await rm(folder, { recursive: true, force: true });
});

describe("the packed package", () => {
  it("holds its code, its types and nothing else", async () => {
    const installed = join(folder, "node_modules/@postrider/client");
    const { stdout } = await run("find", [".", "-type", "f"], { cwd: installed });
    const files = stdout.trim().split("\n").sort();
    expect(files).toContain("./dist/index.js");
    expect(files).toContain("./dist/gen/postrider/v1/option_pb.d.ts");
    const expected = /^\.\/(dist\/.*\.(js|d\.ts)|package\.json|README\.md|LICENSE)$/;
    expect(files.filter((file) => !expected.test(file) || /test/.test(file))).toEqual([]);
    const code = await Promise.all(
      files
        .filter((file) => file.endsWith(".js"))
        .map((file) => readFile(join(installed, file), "utf8")),
    );
    expect(code.filter((text) => /from "node:|require\(/.test(text))).toEqual([]);
  });

  it("has types that TypeScript 5.4 reads", async () => {
    const installed = join(folder, "node_modules/@postrider/client");
    const { stdout } = await run("find", ["dist", "-name", "*.d.ts"], { cwd: installed });
    const files = stdout.trim().split("\n");
    // These have one parameter, or none, in the libraries of older compilers.
    for (const file of files) {
      const text = await readFile(join(installed, file), "utf8");
      expect(
        text.match(/\b(Async)?IterableIterator<[^<>]*,|\bUint8Array</)?.[0],
        file,
      ).toBeUndefined();
    }
  });

  it("shares one protobuf runtime with generated code", async () => {
    const { stdout } = await run("find", [".", "-path", "*@bufbuild/protobuf/package.json"], {
      cwd: folder,
    });
    expect(stdout.trim()).toBe("./node_modules/@bufbuild/protobuf/package.json");
  });

  it("refuses to compile a wrong field", { timeout: 60_000 }, async () => {
    const wrong = (await readFile(join(home, "examples/publish.ts"), "utf8")).replace(
      "orderId:",
      "orderNumber:",
    );
    await writeFile(join(folder, "src/wrong.ts"), wrong);
    const outcome = await compile("src/wrong.ts").catch((error: { stdout: string }) => error);
    expect(outcome.stdout).toMatch(/wrong\.ts.*error TS.*orderNumber/s);
  });

  it("publishes, reads a stream and receives webhooks", { timeout: 60_000 }, async () => {
    await compile(...programs.map((name) => `src/${name}.ts`));
    const port = await freePort();
    await server.call("SubscriptionService/CreateSubscription", {
      subscription: {
        name: "receiver",
        target: { webhook: { url: `http://127.0.0.1:${port}/hook` } },
        secret,
      },
    });
    const webhook = start("webhook", { PORT: String(port), WEBHOOK_SECRET: secret });
    const stream = start("subscribe");
    const light = start("light");
    const publish = start("publish");
    const stored = await lineOf(publish, /stored as (\S+)/);
    expect(await lineOf(stream, /is cancelled: (.*)/)).toBe("changed my mind");
    expect(await lineOf(light, /is cancelled: (.*)/)).toBe("changed my mind");
    expect(light.output).toContain("live");
    expect(await lineOf(webhook, /^(\S+) 42 is cancelled/m)).toBe(stored);
  });

  it("is what README.md shows", async () => {
    const readme = await readFile(join(home, "README.md"), "utf8");
    for (const name of programs) {
      const program = await readFile(join(home, `examples/${name}.ts`), "utf8");
      expect(readme).toContain(`\`\`\`ts\n${program}\`\`\``);
    }
  });
});

/** Installs the tarball offline: what it depends on is packed from this workspace too. */
async function install(): Promise<void> {
  const dependencies = ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-web"];
  const tarballs = await Promise.all([
    pack(home),
    ...dependencies.map((name) => pack(join(modules, name), "--ignore-scripts")),
  ]);
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ name: "consumer", type: "module" }),
  );
  await npm("install", "--offline", "--no-audit", "--no-fund", ...tarballs);
  await cp(join(home, "examples"), join(folder, "src"), { recursive: true });
}

async function pack(from: string, ...options: string[]): Promise<string> {
  const { stdout } = await npm("pack", from, "--json", "--pack-destination", folder, ...options);
  // What scripts print comes before the answer.
  const answer = JSON.parse(stdout.slice(stdout.search(/^[[{]/m)));
  const [packed] = Object.values<{ filename: string }>(answer);
  if (!packed) throw new Error(`nothing was packed: ${stdout}`);
  return join(folder, packed.filename);
}

function npm(...args: string[]) {
  return run("npm", args, { cwd: folder });
}

/** Compiles strictly, the package's own types included. */
function compile(...files: string[]) {
  const options = {
    target: "ES2022",
    module: "NodeNext",
    moduleResolution: "NodeNext",
    lib: "ES2022,DOM,DOM.AsyncIterable",
    types: "node",
    typeRoots: join(modules, "@types"),
    rootDir: "src",
    outDir: "out",
  };
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  return run(process.execPath, [compiler, "--strict", ...flags, ...files], { cwd: folder });
}

interface Program {
  output: string;
  process: ChildProcess;
}

function start(name: string, env: Record<string, string> = {}): Program {
  const child = spawn(process.execPath, [`out/${name}.js`], {
    cwd: folder,
    env: { ...process.env, POSTRIDER_URL: server.url, POSTRIDER_API_KEY: server.adminKey, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const program = { output: "", process: child };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text) => {
      program.output += text;
    });
  }
  return program;
}

/** What an expression finds in a program's output, once it is there. */
async function lineOf(program: Program, wanted: RegExp): Promise<string> {
  for (;;) {
    const [, found] = wanted.exec(program.output) ?? [];
    if (found) return found;
    const { exitCode, stdout, stderr } = program.process;
    if (exitCode) throw new Error(`it ended with ${exitCode}: ${program.output}`);
    if (stdout && stderr)
      await Promise.race([stdout, stderr].map((stream) => once(stream, "data")));
  }
}
