import { afterEach, beforeEach, expect, vi } from "vitest";
import { type ClientOptions, createClient } from "../light/client.js";
import type { LightOptions } from "../light/events.js";
import { HttpServer } from "./http-server.js";

/** The server of the test that runs. */
export let server: HttpServer;
/** Ends the subscriptions of the test that runs. */
export let abort: AbortController;

/** Gives each test of a file a server, which it starts with its answers, and waits that take no time. */
export function serveEachTest(): void {
  beforeEach(() => {
    abort = new AbortController();
    // No wait between tries, unless the server asks for one.
    vi.spyOn(Math, "random").mockReturnValue(0);
  });
  afterEach(async () => {
    abort.abort();
    await server.stop();
  });
}

export async function start(...answers: Parameters<typeof HttpServer.start>): Promise<void> {
  server = await HttpServer.start(...answers);
}

/** Reads in the background. */
export function read(options: LightOptions = {}, access: Partial<ClientOptions> = {}) {
  const ids: string[] = [];
  const states: string[] = [];
  const retries: { code: string; wait: number }[] = [];
  const client = createClient({ url: server.url, key: "k", ...access } as ClientOptions);
  const subscription = client.subscribe(["order.*"], {
    signal: abort.signal,
    onStatus: ({ state }) => {
      if (state !== states.at(-1)) states.push(state);
    },
    onRetry: ({ code }, wait) => retries.push({ code, wait }),
    ...options,
  });
  const ended = (async () => {
    for await (const { id } of subscription) ids.push(id);
  })();
  ended.catch(() => {});
  const brings = (...wanted: string[]) =>
    vi.waitFor(() => expect(ids).toEqual(wanted.map((cursor) => `evt_${cursor}`)), 10_000);
  return { subscription, ids, states, retries, ended, brings };
}
