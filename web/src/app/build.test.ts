import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Build } from "./build";

interface Served {
  index?: string;
  type?: string;
  status?: number;
  script?: number;
}

/** What the server responds to the index and to the script that it names. */
let served: Served;
const reload = vi.fn();

beforeEach(() => {
  served = {};
  reload.mockReset();
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    if (served.status === 0) throw new TypeError("Failed to fetch");
    const isScript = init.method === "HEAD";
    const type = isScript ? "text/javascript; charset=utf-8" : (served.type ?? "text/html");
    const status = isScript ? (served.script ?? 200) : (served.status ?? 200);
    expect(path).toBe(isScript ? served.index : "/");
    const body = isScript
      ? null
      : `<script type="module" crossorigin src="${served.index}"></script>`;
    return new Response(body, { status, headers: { "Content-Type": type } });
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const build = () => new Build("/assets/index-1.js", reload);

describe("Build", () => {
  it("is old when the server's index names another script", async () => {
    const own = build();
    served.index = "/assets/index-1.js";
    await own.check();
    expect(own.isOld).toBe(false);
    served.index = "/assets/index-2.js";
    await own.check();
    expect(own.isOld).toBe(true);
  });

  it.each([
    ["is away", { status: 0 }],
    ["is behind a proxy that says 502", { status: 502, index: "/assets/index-2.js" }],
    ["is behind a proxy that says something else", { type: "application/json", index: "/x.js" }],
  ])("says nothing when the server %s", async (_, answer) => {
    const own = build();
    served = answer;
    await own.check();
    expect(own.isOld).toBe(false);
    expect(await own.reload()).toBe(false);
    expect(reload).not.toHaveBeenCalled();
  });

  it("is not left for an index whose script is absent", async () => {
    served = { index: "/assets/index-2.js", script: 404 };
    expect(await build().reload()).toBe(false);
    served.script = 200;
    expect(await build().reload()).toBe(true);
    expect(reload).toHaveBeenCalledTimes(1);
  });

  it("reloads less and less often when that does not help", async () => {
    served.index = "/assets/index-2.js";
    for (let second = 0; second < 600; second++) {
      // Each reload is a new document.
      await build().reload();
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(reload.mock.calls.length).toBeGreaterThan(10);
    expect(reload.mock.calls.length).toBeLessThan(18);
    reload.mockReset();
    await vi.advanceTimersByTimeAsync(3_600_000);
    await build().reload();
    expect(reload).toHaveBeenCalledTimes(1);
  });

  it("asks once for several that want to know", async () => {
    served.index = "/assets/index-2.js";
    const fetched = vi.spyOn(globalThis, "fetch");
    const own = build();
    await Promise.all([own.check(), own.check(), own.checkNowAndThen()]);
    await own.checkNowAndThen();
    expect(fetched).toHaveBeenCalledTimes(1);
  });
});
