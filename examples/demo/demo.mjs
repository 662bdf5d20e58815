// Publishes the real GitHub webhook payloads of @octokit/webhooks-examples as events, receives them by webhook, verifies
// every signature with the reference library, and counts. `make demo` runs it against a running server, again and again.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { Webhook } from "standardwebhooks";

const examples = createRequire(import.meta.url)("@octokit/webhooks-examples");
const url = process.env.POSTRIDER_URL ?? "http://127.0.0.1:8080";
const key = process.env.POSTRIDER_API_KEY ?? process.env.POSTRIDER_ADMIN_KEY ?? readAdminKey();
const run = Date.now().toString(36);
const patience = 60_000;

function readAdminKey() {
  const file = `${process.env.POSTRIDER_DATA ?? "data"}/admin-key`;
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    fail(
      `no key: set POSTRIDER_API_KEY, or start the server with \`make run\` (looked for ${file})`,
    );
  }
}

function fail(message) {
  console.error(visible(message));
  process.exit(1);
}

/** A text without anything that a terminal obeys. */
function visible(text) {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (c) => `\\u{${c.codePointAt(0).toString(16)}}`,
  );
}

async function call(method, body) {
  let response;
  try {
    response = await fetch(`${url}/postrider.v1.${method}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch (error) {
    fail(
      `no server at ${url} (start one with \`make run\`): ${error.cause?.message ?? error.message}`,
    );
  }
  const answer = await response.json();
  if (!response.ok)
    throw Object.assign(new Error(`${method}: ${answer.message}`), { code: answer.code });
  return answer;
}

/** Every payload as an event: github.<name>[.<action>], with an id of this run. */
function githubEvents() {
  return examples.flatMap(({ name, examples: payloads }) =>
    payloads.map((data, index) => ({
      id: `demo_${run}_${name}_${index}`,
      type: ["github", name, data.action].filter(Boolean).join("."),
      source: "https://github.com",
      subject: data.repository?.full_name ?? data.organization?.login ?? "",
      data,
    })),
  );
}

/** A receiver that counts deliveries of this run's events, and those whose signature holds. */
async function startReceiver() {
  const received = new Map();
  const state = { received, verified: new Set(), webhook: undefined, changed: () => {} };
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      const id = request.headers["webhook-id"];
      try {
        state.webhook.verify(body, request.headers);
        if (JSON.parse(body).id === id) state.verified.add(id);
      } catch (error) {
        console.error(visible(`${id}: ${error.message}`));
      }
      received.set(id, (received.get(id) ?? 0) + 1);
      response.writeHead(204).end();
      state.changed();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  state.url = `http://127.0.0.1:${server.address().port}/github`;
  state.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return state;
}

/** The subscription "demo", made at the first run and pointed at this run's receiver. */
async function pointSubscription(target) {
  const wanted = {
    name: "demo",
    filter: { types: ["github.*"] },
    target: { webhook: { url: target } },
  };
  try {
    await call("SubscriptionService/CreateSubscription", { subscription: wanted });
  } catch (error) {
    if (error.code !== "already_exists") throw error;
    const { subscription } = await call("SubscriptionService/GetSubscription", { id: "demo" });
    await call("SubscriptionService/UpdateSubscription", {
      subscription: { ...wanted, id: subscription.id },
    });
    await call("SubscriptionService/ResumeSubscription", { id: "demo" });
  }
  const { secret } = await call("SubscriptionService/RevealSubscriptionSecret", { id: "demo" });
  return new Webhook(secret);
}

async function publishAll(events) {
  const queue = events.values();
  const worker = async () => {
    for (const event of queue) await call("EventService/Publish", { event });
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

function settled(receiver, events) {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, patience);
    receiver.changed = () => {
      if (!events.every(({ id }) => receiver.received.has(id))) return;
      clearTimeout(late);
      // A duplicate would come right behind.
      setTimeout(resolve, 500);
    };
    receiver.changed();
  });
}

const events = githubEvents();
const receiver = await startReceiver();
receiver.webhook = await pointSubscription(receiver.url);
await publishAll(events);
await settled(receiver, events);
// Nobody listens from here on: the subscription holds its place until the next run.
await call("SubscriptionService/PauseSubscription", { id: "demo" });
receiver.close();

const delivered = events.filter(({ id }) => receiver.received.has(id)).length;
const verified = events.filter(({ id }) => receiver.verified.has(id)).length;
const duplicate = events.reduce(
  (sum, { id }) => sum + Math.max(0, (receiver.received.get(id) ?? 0) - 1),
  0,
);
const missing = events.length - delivered;
console.log(
  `published ${events.length}, delivered ${delivered}, verified ${verified}, missing ${missing}, duplicate ${duplicate}`,
);
process.exit(missing + duplicate + (delivered - verified) === 0 ? 0 : 1);
