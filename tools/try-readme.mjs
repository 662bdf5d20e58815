// Follows the steps of README.md, "Try it", as a new user does: in a fresh clone of the last commit, without environment variables, every
// command as it stands. Fails at the first step that does not do what the README says, and prints how long the steps took. Needs the
// ports 8080 and 3000.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const patience = 30_000;
const buildPatience = 900_000;

const folder = mkdtempSync(join(tmpdir(), "postrider-readme-"));
const running = new Map();

/** The fenced blocks of "Try it" in order: the language, and the text. */
function blocks() {
  const readme = readFileSync(join(folder, "README.md"), "utf8");
  const section = readme.split("\n## ").find((text) => text.startsWith("Try it\n"));
  return [...section.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language, text]) => ({ language, text }));
}

// The caches of Go and npm are in the home; what "postrider login" has stored is not for these commands.
const environment = { PATH: process.env.PATH, HOME: homedir(), XDG_CONFIG_HOME: join(folder, ".config") };

/** Starts a command that goes on, in the place of the one that had its name. */
async function start(name, command) {
  await stop(name);
  const child = spawn("bash", ["-c", command], { cwd: folder, env: environment, detached: true });
  const program = { child, output: "", ended: new Promise((resolve) => child.on("close", resolve)) };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => {
      program.output += text;
    });
  running.set(name, program);
  return program;
}

async function stop(name) {
  const program = running.get(name);
  if (!program) return;
  running.delete(name);
  if (program.child.exitCode === null) process.kill(-program.child.pid, "SIGTERM");
  await program.ended;
}

async function until(what, limit, holds) {
  const end = Date.now() + limit;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${limit / 1000} s\n${outputs()}`);
    await delay(50);
  }
}

function outputs() {
  return [...running].map(([name, { output }]) => `--- ${name}\n${output}`).join("\n");
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "localhost");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

const verified = () => running.get("receiver")?.output.match(/^verified /gm)?.length ?? 0;

/** Runs a command to its end. Its output must contain expected; without expected it must succeed. */
function run(command, expected) {
  const { status, stdout, stderr } = spawnSync("bash", ["-c", command], {
    cwd: folder, env: environment, encoding: "utf8", timeout: patience,
  });
  const output = stdout + stderr;
  if (expected === undefined ? status !== 0 : !output.includes(expected.trim()))
    throw new Error(`${command}\nended with ${status} and printed\n${output}\n${outputs()}`);
}

let began;
let first;

async function step(command, expected) {
  console.log(`$ ${command}`);
  if (command === "make run") {
    const server = await start("make run", command);
    await until("the server is ready", buildPatience, () => server.output.includes("Web UI and API") || server.child.exitCode !== null);
    if (server.child.exitCode !== null) throw new Error(`make run ended\n${server.output}`);
    began = Date.now();
    return;
  }
  if (command.includes("examples/receivers/")) {
    await start("receiver", command);
    await until("the receiver listens", patience, () => listens(3000));
    // The README starts these receivers instead of the first: each must verify an event.
    if (running.has("listen")) await step(published);
    return;
  }
  if (command.includes("listen --forward-to")) {
    const program = await start("listen", command);
    await until("listen is ready", patience, () => program.output.includes("Ready:"));
    return;
  }
  const before = verified();
  run(command, expected);
  if (command.includes("subscriptions create")) await stop("listen");
  if (expected === undefined && /postrider publish|EventService\/Publish/.test(command)) {
    published = command;
    await until("the receiver verifies the event", patience, () => verified() > before);
    first ??= Date.now();
  }
}

let published;

async function followReadme() {
  for (const port of [8080, 3000]) if (await listens(port)) throw new Error(`port ${port} is in use`);
  const cloned = Date.now();
  const { status } = spawnSync("git", ["clone", "--quiet", ".", folder], { stdio: "inherit" });
  if (status !== 0) throw new Error("git clone failed");
  const all = blocks();
  for (const [i, { language, text }] of all.entries()) {
    if (language !== "sh") continue;
    const output = all[i + 1]?.language === "" ? all[i + 1].text : undefined;
    for (const command of text.trim().replaceAll("\\\n", "").split("\n")) await step(command, output);
  }
  const seconds = (from, to) => ((to - from) / 1000).toFixed(1);
  console.log(`clone and make run: ${seconds(cloned, began)} s; from there to a verified delivery: ${seconds(began, first)} s; all steps: ${seconds(began, Date.now())} s`);
}

try {
  await followReadme();
} catch (error) {
  console.error(String(error.message));
  process.exitCode = 1;
} finally {
  for (const name of [...running.keys()].reverse()) await stop(name);
  rmSync(folder, { recursive: true, force: true });
}
