// Builds the release in this folder and in a copy of it, and compares the bytes. Then it does with the files what an operator does: checks
// the sums, unpacks the package, verifies its unit, builds the image, and starts it from its layers with a root that is read-only, as the
// image's user. Needs what tools/release needs. The image needs buildah (POSTRIDER_TEST_BUILDAH) and root, and is left out without them,
// which fails with CI=true.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const patience = 60_000;
const version = "v0.0.0-try.1";
const folder = mkdtempSync(join(tmpdir(), "postrider-release-"));
const here = resolve(import.meta.dirname, "..");

function run(command, args, options = {}) {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], ...options }).trim();
}

function check(holds, what) {
  if (!holds) throw new Error(what);
}

/** Runs a part and prints how long it took. */
async function step(name, part) {
  const began = Date.now();
  const result = await part();
  console.log(`${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  return result;
}

/** Copies what git knows of this folder to another one and builds the web UI and the release there. */
function buildElsewhere(out) {
  const copy = join(folder, "elsewhere", "postrider");
  mkdirSync(copy, { recursive: true });
  run("bash", ["-c", 'git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -xf - -C "$0"', copy], { cwd: here });
  for (const modules of ["node_modules", "web/node_modules", "web/client/node_modules"])
    if (existsSync(join(here, modules))) run("cp", ["-al", join(here, modules), join(copy, modules)]);
  run("npm", ["run", "build", "--workspace", "@postrider/web"], { cwd: copy });
  run("tools/release", [version, out], { cwd: copy });
}

function compare(one, other) {
  const names = readdirSync(one).filter((name) => name !== "image");
  check(names.length === 3, `the release has ${names.join(", ")}, not an archive, a package and the checksums`);
  for (const name of names) check(readFileSync(join(one, name)).equals(readFileSync(join(other, name))), `${name} differs between two folders`);
  run("diff", ["-r", join(one, "image"), join(other, "image")]);
  run("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: one });
}

function tryPackage(release) {
  const root = join(folder, "package");
  const file = readdirSync(release).find((name) => name.endsWith(".deb"));
  run("dpkg-deb", ["-x", join(release, file), root]);
  const printed = run(join(root, "usr/bin/postrider"), ["--version"]);
  check(printed.startsWith(`postrider ${version} `), `the package's program says ${printed}`);
  for (const path of [
    "usr/share/man/man1/postrider.1.gz", "usr/share/man/man1/postrider-subscriptions-create.1.gz",
    "usr/share/bash-completion/completions/postrider", "usr/share/zsh/vendor-completions/_postrider",
    "usr/share/fish/vendor_completions.d/postrider.fish", "usr/lib/sysusers.d/postrider.conf", "etc/postrider/postrider.env",
  ])
    check(existsSync(join(root, path)), `the package has no ${path}`);
  const unit = join(root, "lib/systemd/system/postrider.service");
  if (!existsSync("/usr/bin/systemd-analyze")) return;
  // The exposure that systemd works out, in tenths: 0 is none, and a unit that says nothing has 96.
  run("systemd-analyze", ["security", "--offline=yes", "--no-pager", "--threshold=20", unit]);
  // The program is found where it will be, in the tree of the package.
  const said = execFileSync("bash", ["-c", 'sed "s|ExecStart=/usr|ExecStart=$1/usr|" "$0" >"$1/postrider.service" && systemd-analyze verify --man=no "$1/postrider.service" 2>&1', unit, root], { encoding: "utf8" });
  check(!said.includes("postrider.service"), `systemd-analyze verify: ${said}`);
}

/** Builds the image and unpacks its layers. Returns its configuration. */
function buildImage(buildah, release, root) {
  const store = ["--root", join(folder, "store"), "--runroot", join(folder, "run"), "--storage-driver", "vfs"];
  const archive = join(folder, "image.tar");
  run(buildah, [...store, "bud", "--isolation", "chroot", "--format", "docker", "-q", "-t", "postrider",
    "-f", join(here, "deploy/Dockerfile"), join(release, "image")]);
  run(buildah, [...store, "push", "-q", "postrider", `docker-archive:${archive}:postrider`]);
  const layout = join(folder, "layout");
  mkdirSync(layout);
  mkdirSync(root);
  run("tar", ["-xf", archive, "-C", layout]);
  const [{ Config, Layers }] = JSON.parse(readFileSync(join(layout, "manifest.json"), "utf8"));
  for (const layer of Layers) run("tar", ["-xpf", join(layout, layer), "-C", root, "--same-owner"]);
  return JSON.parse(readFileSync(join(layout, Config), "utf8")).config;
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((ready) => server.on("listening", ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** What a container runtime does: the root read-only, the volume and /tmp writable, another user without privileges. */
const inside = `
set -euo pipefail
root=$1 volume=$2 user=$3; shift 3
mount --bind "$root" "$root"
mount --bind "$volume" "$root/var/lib/postrider"
mount -t tmpfs tmpfs "$root/tmp"
mount -o remount,bind,ro "$root"
if touch "$root/written" 2>/dev/null; then echo "the root can be written to" >&2; exit 1; fi
exec setpriv --no-new-privs chroot --userspec="$user" "$root" "$@"`;

async function tryImage(buildah, release) {
  const root = join(folder, "root");
  const volume = join(folder, "volume");
  const config = buildImage(buildah, release, root);
  check(config.User === "65532:65532", `the image's user is ${config.User}`);
  check(Object.keys(config.Volumes ?? {}).includes("/var/lib/postrider"), "the image has no volume");
  // As a runtime does with a new volume.
  run("cp", ["-a", join(root, "var/lib/postrider"), volume]);
  const address = `127.0.0.1:${await freePort()}`;
  const environment = Object.fromEntries([...config.Env, `POSTRIDER_LISTEN=${address}`, `POSTRIDER_URL=http://${address}`].map((one) => one.split(/=(.*)/s).slice(0, 2)));
  const enter = (args) => ["--mount", "bash", "-c", inside, "bash", root, volume, config.User, ...args];
  const within = (...args) => run("unshare", enter(args), { env: { ...environment, PATH: process.env.PATH }, timeout: patience });
  const [, ...probe] = config.Healthcheck.Test;
  const healthy = () => {
    try {
      return within(...probe).includes("is ready");
    } catch {
      return false;
    }
  };
  const lives = [["first", 1], ["second", 2]];
  for (const [life, expected] of lives) {
    const server = spawn("unshare", enter([...config.Entrypoint, ...config.Cmd]), { env: { ...environment, PATH: process.env.PATH }, stdio: "inherit" });
    const ended = new Promise((resolve) => server.on("exit", resolve));
    let status;
    try {
      for (const end = Date.now() + patience; !healthy(); await delay(100))
        check(server.exitCode === null && Date.now() < end, `the image does not become healthy in its ${life} life`);
      within("/usr/bin/postrider", "publish", "order.created", `{"life":"${life}"}`);
      const events = within("/usr/bin/postrider", "events", "list", "--ndjson").split("\n");
      check(events.length === expected, `there are ${events.length} events in the ${life} life, want ${expected}`);
    } finally {
      server.kill("SIGTERM"); // It is the server's process: each of the programs around it executes the next.
      const late = setTimeout(() => server.kill("SIGKILL"), patience);
      status = await ended;
      clearTimeout(late);
    }
    check(status === 0, `the server ends with ${status}`);
  }
}

function leaveOut(what) {
  console.log(`\n*** the image is not tried: ${what}\n`);
  check(process.env.CI !== "true", "CI=true, so nothing may be skipped");
}

try {
  const one = join(folder, "one");
  const other = join(folder, "other");
  process.env.SOURCE_DATE_EPOCH ??= run("git", ["log", "-1", "--format=%ct"], { cwd: here });
  await step("built", () => run("tools/release", [version, one], { cwd: here }));
  await step("built in another folder", () => buildElsewhere(other));
  await step("the same bytes", () => compare(one, other));
  await step("the package", () => tryPackage(one));
  const buildah = process.env.POSTRIDER_TEST_BUILDAH;
  if (!buildah) leaveOut("there is no buildah");
  else if (process.getuid() !== 0) leaveOut("that takes root");
  else await step("the image", () => tryImage(buildah, one));
} catch (error) {
  console.error(String(error.message));
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
