import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { extname, join } from "node:path";
import { json } from "node:stream/consumers";
import { createClient, PostriderError } from "@postrider/client/light";
import type { OrderCreatedJson } from "../gen/shop/v1/order_pb.js";
import type { ShopEvents } from "../page/orders";
import { steps } from "./steps";

/** Postrider, as the backend and browsers reach it, a key that may publish and read, and the folder of the built page. */
export interface Settings {
  readonly url: string;
  readonly key: string;
  readonly page: string;
}

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly body?: string;
}

/**
 * Serves the page, and does for it what takes a key: it hands out tickets for streams, and publishes. Here it does so for
 * everybody; a real one asks first who it is.
 */
export function createBackend(settings: Settings): Server {
  const client = createClient<ShopEvents>(settings);
  const files = readPage(settings);

  async function answerTo(request: IncomingMessage): Promise<Answer> {
    const { method, url: path = "", headers } = request;
    if (method === "GET") return files.get(path) ?? { status: 404 };
    if (path === "/ticket") return newTicket(settings);
    // A page of another origin cannot send JSON without asking first, and gets no leave.
    if (headers["content-type"] !== "application/json") return { status: 415 };
    const name = path.replace("/orders/", "");
    const step = Object.hasOwn(steps, name) ? steps[name] : undefined;
    if (!step) return { status: 404 };
    const ack = await step(client, (await json(request)) as OrderCreatedJson);
    return { status: 200, type: "application/json", body: JSON.stringify(ack) };
  }

  return createServer(async (request, response) => {
    const { status, type = "text/plain", body } = await answerTo(request).catch(refusal);
    response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store" }).end(body);
  });
}

/** A ticket opens streams of the shop's events, and nothing else, for a quarter of an hour. */
async function newTicket({ url, key }: Settings): Promise<Answer> {
  const answer = await fetch(`${url}/postrider.v1.EventService/CreateStreamTicket`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${key}` },
    body: JSON.stringify({ types: ["shop.v1.*"] }),
  });
  return { status: answer.status, type: "application/json", body: await answer.text() };
}

function refusal(error: unknown): Answer {
  const known = error instanceof PostriderError ? error : undefined;
  if (known?.code === "already_exists") return { status: 409, body: "Somebody else was faster." };
  if (error instanceof SyntaxError) return { status: 400, body: "The body is no JSON." };
  if (known?.code === "invalid_argument") return { status: 400, body: known.message };
  return { status: 503, body: "Postrider cannot be reached." };
}

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
};

/** The files of the page by their paths. The page is told where Postrider is. */
function readPage({ page, url }: Settings): Map<string, Answer> {
  const files = new Map<string, Answer>();
  for (const name of readdirSync(page, { recursive: true, encoding: "utf8" })) {
    const type = types[extname(name)];
    if (!type) continue;
    const body = readFileSync(join(page, name), "utf8").replace("{{POSTRIDER_URL}}", url);
    files.set(name === "index.html" ? "/" : `/${name}`, { status: 200, type, body });
  }
  return files;
}
