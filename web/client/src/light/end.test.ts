import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import type { PostriderError } from "../error.js";
import type { LiveStatus } from "../live/status.js";
import { frames, refuseAsServer, stream } from "../testing/http-server.js";
import { abort, read, serveEachTest, server, start } from "../testing/light-reader.js";
import { createClient } from "./client.js";

serveEachTest();

const { open, event } = frames;

describe("the end", () => {
  it.each([
    ["close", (subscription: ReturnType<typeof read>["subscription"]) => subscription.close()],
    ["the signal", () => abort.abort()],
  ])("by %s is quiet, and leaves nothing open", async (_, stop) => {
    await start(stream(open("c0"), event("c1")));
    const { subscription, brings, ended } = read();
    await brings("c1");
    stop(subscription);
    await ended;
    expect(subscription.status).toEqual({ state: "ended" });
    await vi.waitFor(() => expect(server.open).toBe(0));
  });

  it("comes with the loop's, also while events are waiting", async () => {
    await start(stream(open("c0") + event("c1") + event("c2") + event("c3")));
    const events = createClient({ url: server.url }).subscribe(["*"]);
    for await (const _ of events) break;
    await vi.waitFor(() => expect(server.open).toBe(0));
    expect((await events.next()).done).toBe(true);
  });

  it("never connects when it is aborted before it began", async () => {
    await start(stream(open("c0")));
    abort.abort();
    await read().ended;
    expect(server.requests).toHaveLength(0);
  });

  it("does not wait for a token that never comes", async () => {
    await start(stream(open("c0")));
    const { ended } = read({}, { key: undefined, token: () => new Promise(() => {}) });
    abort.abort();
    await ended;
  });
});

describe("callbacks", () => {
  it("get each event when the one before is done", async () => {
    await start(stream(open("c0"), event("c1") + event("c2")));
    const log: string[] = [];
    const client = createClient({ url: server.url });
    await new Promise<void>((resolve) => {
      client.subscribe(["*"], {
        signal: abort.signal,
        onEvent: async ({ id }) => {
          log.push(`begin ${id}`);
          await delay(20);
          log.push(`end ${id}`);
          if (id === "evt_c2") abort.abort();
        },
        onEnd: (error) => {
          expect(error).toBeUndefined();
          resolve();
        },
      });
    });
    expect(log).toEqual(["begin evt_c1", "end evt_c1", "begin evt_c2", "end evt_c2"]);
  });

  it("are told of the error at the end, and nothing is left unhandled without onEnd", async () => {
    await start(refuseAsServer(403, "permission_denied"));
    const client = createClient({ url: server.url });
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const states: LiveStatus[] = [];
    client.subscribe(["*"], { onEvent: () => {}, onStatus: (status) => states.push(status) });
    const error = await new Promise<unknown>((resolve) => {
      client.subscribe(["*"], { onEvent: () => {}, onEnd: resolve });
    });
    expect((error as PostriderError).code).toBe("permission_denied");
    await vi.waitFor(() => expect(states.at(-1)?.state).toBe("ended"));
    await delay(20);
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it("end the subscription by what they throw", async () => {
    await start(stream(open("c0"), event("c1")));
    const client = createClient({ url: server.url });
    let mine: unknown;
    const subscription = client.subscribe(["*"], {
      onEvent: () => {
        throw new TypeError("mine");
      },
      onEnd: (error) => {
        mine = error;
      },
    });
    await vi.waitFor(() => expect(mine).toBeInstanceOf(TypeError));
    expect(subscription.status).toMatchObject({ state: "ended", error: { message: "mine" } });
    await vi.waitFor(() => expect(server.open).toBe(0));
  });
});
