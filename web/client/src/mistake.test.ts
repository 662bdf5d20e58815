import { afterEach, describe, expect, it, vi } from "vitest";
import { OrderCreatedSchema } from "../examples/gen/shop/v1/order_pb.js";
import { createClient } from "./client.js";
import { createClient as createLightClient } from "./light/client.js";
import { LiveStream } from "./live/live-stream.js";
import { FakeServer } from "./testing/fake-server.js";
import { HttpServer, stream } from "./testing/http-server.js";

/*
 * Regression (issue 8, 21): mistakes were tried again for ever as if the network were lost, for fetch throws a TypeError for
 * both. They throw at once.
 */

const url = "http://127.0.0.1:1";
const secret = "s3cret";

afterEach(() => {
  vi.unstubAllGlobals();
});

/** What a call throws, and that nothing was sent. */
async function thrownBy(call: () => unknown): Promise<Error> {
  const sent = vi.spyOn(globalThis, "fetch");
  try {
    await call();
  } catch (error) {
    expect(sent).not.toHaveBeenCalled();
    expect(String(error)).not.toContain(secret);
    expect(JSON.stringify(error)).not.toContain(secret);
    return error as Error;
  } finally {
    sent.mockRestore();
  }
  throw new Error("nothing was thrown");
}

describe("a client is not made", () => {
  it.each([
    "events.example.com",
    "localhost:8080",
    "ftp://events.example.com",
    "https://",
    "http://user:s3cret@events.example.com",
    "https://events.example.com?tenant=a",
    "https://events.example.com#a",
  ])("for the URL %s", async (wrong) => {
    expect(await thrownBy(() => createClient({ url: wrong }))).toBeInstanceOf(TypeError);
    expect(await thrownBy(() => createLightClient({ url: wrong }))).toBeInstanceOf(TypeError);
  });

  it.each([`${secret}\nx`, `${secret}\0`, `${secret} ✉`])("for the key %j", async (key) => {
    expect(await thrownBy(() => createClient({ url, key }))).toBeInstanceOf(TypeError);
    expect(await thrownBy(() => createLightClient({ url, key }))).toBeInstanceOf(TypeError);
  });

  it("without a URL", async () => {
    const none = {} as { url: string };
    expect(await thrownBy(() => createClient(none))).toBeInstanceOf(TypeError);
  });
});

/** Every way to call a server. */
function calls(options: { url: string; token?: () => string }) {
  const [client, light] = [createClient(options), createLightClient(options)];
  return {
    publish: () => client.publish(OrderCreatedSchema, {}),
    publishBatch: () => client.publishBatch([]),
    subscribe: () => client.subscribe([OrderCreatedSchema]).next(),
    subscribeRaw: () => client.subscribeRaw([]).next(),
    "publish, light": () => light.publish("order.created", {}),
    "subscribe, light": () => light.subscribe(["*"]).next(),
  };
}

describe.each(Object.keys(calls({ url })) as (keyof ReturnType<typeof calls>)[])("%s", (name) => {
  it("throws at once where there is no page that a relative URL is of", async () => {
    for (const relative of ["", "/events"]) {
      const error = await thrownBy(calls({ url: relative })[name]);
      expect(error).toMatchObject({ name: "PostriderError", code: "invalid_argument" });
    }
  });

  it("throws at once for a token that no header can have", async () => {
    const error = await thrownBy(calls({ url, token: () => `${secret}\n\nx` })[name]);
    expect(error).toMatchObject({ name: "PostriderError", code: "invalid_argument" });
  });

  it("throws at once what the runtime cannot do", async () => {
    vi.stubGlobal(
      "Request",
      class {
        constructor() {
          throw new TypeError("redirect: not implemented");
        }
      },
    );
    const error = await thrownBy(calls({ url })[name]);
    expect(error).toMatchObject({ message: expect.stringContaining("not implemented") });
  });
});

describe("a runtime without redirect: error", () => {
  it("is served", async () => {
    const server = await HttpServer.start(stream());
    const { fetch } = globalThis;
    const modes: unknown[] = [];
    vi.stubGlobal("fetch", (address: string, init: RequestInit) => {
      modes.push(init.redirect);
      if (init.redirect === "error") throw new TypeError("not implemented");
      return fetch(address, init);
    });
    const subscription = createClient({ url: server.url }).subscribe([OrderCreatedSchema]);
    subscription.next().catch(() => {});
    await vi.waitFor(() => expect(server.requests.length).toBeGreaterThan(0), 10_000);
    subscription.close();
    expect(new Set(modes)).toEqual(new Set(["manual"]));
    await server.stop();
  });
});

describe("a subscription is not made", () => {
  const client = createClient({ transport: new FakeServer().transport });
  const light = createLightClient({ url });

  it.each([0, -1, 99, 300_001, Number.NaN, Number.POSITIVE_INFINITY])(
    "for heartbeatMs: %d",
    (heartbeatMs) => {
      expect(() => client.subscribe([OrderCreatedSchema], { heartbeatMs })).toThrow();
      expect(() => client.subscribeRaw([], { heartbeatMs })).toThrow();
      expect(() => light.subscribe(["*"], { heartbeatMs })).toThrow(RangeError);
      expect(() => new LiveStream({} as never, { heartbeatMs })).toThrow(RangeError);
    },
  );

  it.each([
    ["no filter", []],
    ["a filter of no types", [{ name: "a", types: [] }]],
    ["a filter of an empty type", [{ name: "a", types: [""] }]],
    ["a filter of a type that is none", [{ name: "a", types: [undefined as never] }]],
  ])("for %s", (_, filters) => {
    expect(() => client.subscribe([OrderCreatedSchema], { filters })).toThrow(TypeError);
    expect(() => client.subscribeRaw(["a"], { filters })).toThrow(TypeError);
    expect(() => light.subscribe(["*"], { filters })).toThrow(TypeError);
  });

  it.each([[[""]], [[undefined as never]], [["order.*", ""]]])("for the types %j", (types) => {
    expect(() => client.subscribeRaw(types)).toThrow(TypeError);
    expect(() => light.subscribe(types as never)).toThrow(TypeError);
  });
});

describe("a filter without types", () => {
  it.each([
    ["absent", {}],
    ["undefined", { types: undefined }],
    ["null", { types: null as never }],
  ])("has those of the subscription when they are %s", async (_, types) => {
    const server = await HttpServer.start(stream());
    const subscription = createLightClient({ url: server.url }).subscribe(["order.*"], {
      filters: [{ name: "all", ...types }],
    });
    subscription.next().catch(() => {});
    await vi.waitFor(() => expect(server.requests.length).toBeGreaterThan(0), 10_000);
    subscription.close();
    const [filter] = server.parameters("filter");
    expect(JSON.parse(filter ?? "")).toEqual({ name: "all", types: ["order.*"] });
    await server.stop();
  });
});
