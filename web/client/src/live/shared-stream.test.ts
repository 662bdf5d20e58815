import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OrderCreatedSchema } from "../../examples/gen/shop/v1/order_pb.js";
import { createClient } from "../client.js";
import { overloaded } from "../testing/detail.js";
import { FakeLocks } from "../testing/fake-locks.js";
import { FakeLog } from "../testing/fake-log.js";
import { betweenTabs } from "./shared-stream.js";
import type { StreamOptions } from "./subscription.js";

let log: FakeLog;
let tabs: Tab[];
let scope = 0;

beforeEach(() => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  vi.stubGlobal("navigator", { onLine: true, locks: new FakeLocks() });
  log = new FakeLog();
  tabs = [];
  scope++;
});
afterEach(async () => {
  for (const tab of tabs) tab.close();
  vi.unstubAllGlobals();
});

/** A tab that subscribes: its record has the numbers of the events it got. */
class Tab {
  readonly record: number[] = [];
  readonly #from: number;
  readonly subscription;
  error: unknown;
  #end: () => void = () => {};
  readonly ended = new Promise<void>((resolve) => {
    this.#end = resolve;
  });
  /** What it does with an event takes as long as this. */
  work: () => Promise<unknown> = async () => {};

  constructor(options: StreamOptions = {}) {
    const { start = "now" } = options;
    this.#from =
      start === "now" ? log.events.length : start === "earliest" ? 0 : Number(start.slice(1));
    this.subscription = createClient({ transport: log.transport }).subscribe([OrderCreatedSchema], {
      heartbeatMs: 2_000,
      share: betweenTabs(`test ${scope}`),
      ...options,
      onEvent: async ({ cursor }) => {
        this.record.push(Number(cursor.slice(1)));
        await this.work();
      },
      onEnd: (error) => {
        this.error = error;
        this.#end();
      },
    });
    tabs.push(this);
  }

  close(): void {
    this.subscription.close();
    tabs = tabs.filter((tab) => tab !== this);
  }

  get wanted(): number[] {
    return log.events.slice(this.#from).map(({ cursor }) => Number(cursor.slice(1)));
  }
}

const open = (options?: StreamOptions) => new Tab(options);
/** Every open tab has got what is in the log from where it began: each event once, in order. */
const allHaveAll = () =>
  vi.waitFor(() => {
    for (const tab of tabs) expect(tab.record).toEqual(tab.wanted);
  }, 5_000);
const allAreLive = () =>
  vi.waitFor(() => {
    for (const { subscription } of tabs) expect(subscription.status.state).toBe("live");
  }, 5_000);
const oneConnection = () => vi.waitFor(() => expect(log.openStreams).toBe(1), 5_000);
const publish = (count: number) => {
  for (let i = 0; i < count; i++) log.publish();
};

describe("tabs that share a connection", () => {
  it("have one between them", async () => {
    for (let i = 0; i < 4; i++) open();
    await allAreLive();
    await oneConnection();
    publish(10);
    await allHaveAll();
    expect(log.openStreams).toBe(1);
  });

  it("go on when the leading one closes", async () => {
    for (let i = 0; i < 3; i++) {
      open();
      await allHaveAll();
    }
    await oneConnection();
    while (tabs.length > 0) {
      publish(3);
      await allHaveAll();
      publish(2);
      tabs[0]?.close();
      publish(3);
      await allHaveAll();
      if (tabs.length > 0) await oneConnection();
    }
    await vi.waitFor(() => expect(log.openStreams).toBe(0));
  });

  it("leave nothing open before they are read, and after they are closed", async () => {
    let channels = 0;
    class CountedChannel extends BroadcastChannel {
      constructor(name: string) {
        super(name);
        channels++;
      }

      override close(): void {
        super.close();
        channels--;
      }
    }
    vi.stubGlobal("BroadcastChannel", CountedChannel);
    const share = betweenTabs(`test ${scope}`);
    const signal = AbortSignal.abort();
    const client = createClient({ transport: log.transport });
    const events = client.subscribe([OrderCreatedSchema], { share, signal });
    expect(channels).toBe(0);
    expect((await events.next()).done).toBe(true);
    expect(channels).toBe(0);
    open();
    await allAreLive();
    expect(channels).toBe(1);
    tabs[0]?.close();
    expect(channels).toBe(0);
  });

  it("get what they missed before they join", async () => {
    open();
    await oneConnection();
    publish(50);
    await allHaveAll();
    open({ start: "earliest" });
    open({ start: "c0020" });
    publish(3);
    await allHaveAll();
    await oneConnection();
  });

  it("go on together after a loss", async () => {
    for (let i = 0; i < 3; i++) open();
    await oneConnection();
    publish(2);
    await allHaveAll();
    log.cut();
    publish(2);
    await allHaveAll();
    await oneConnection();
  });

  it("do not share with others", async () => {
    open();
    open({ share: betweenTabs("somebody else") });
    open({ expression: "event.data.total > 1" });
    // The signs of life of the others would come too seldom for it.
    open({ heartbeatMs: 1_000 });
    await vi.waitFor(() => expect(log.openStreams).toBe(4));
    await delay(100);
    expect(log.openStreams).toBe(4);
  });

  it("let another one lead when the leading one is slow", async () => {
    const [slow, quick] = [open({ heartbeatMs: 200 }), open({ heartbeatMs: 200 })];
    await oneConnection();
    let done = () => {};
    slow.work = () =>
      new Promise<void>((resolve) => {
        done = resolve;
      });
    publish(5);
    await vi.waitFor(() => expect(quick.record).toEqual(quick.wanted), 5_000);
    slow.work = async () => {};
    done();
    await allHaveAll();
  });

  it("read for themselves when they have fallen behind", async () => {
    open();
    await allAreLive();
    const slow = open();
    await allAreLive();
    await oneConnection();
    let done = () => {};
    slow.work = () =>
      new Promise<void>((resolve) => {
        done = resolve;
      });
    publish(1);
    await vi.waitFor(() => expect(slow.record).toEqual([1]), 5_000);
    const [leading] = tabs;
    for (let round = 0; round < 15; round++) {
      publish(100);
      await vi.waitFor(() => expect(leading?.record).toEqual(leading?.wanted), 5_000);
    }
    slow.work = async () => {};
    done();
    await allHaveAll();
    await oneConnection();
  });

  it("end quietly when they are closed as soon as they are live", async () => {
    for (let i = 0; i < 2; i++) {
      const tab = open({
        onStatus: ({ state }) => {
          if (state === "live") tab.close();
        },
      });
      await tab.ended;
      expect(tab.error).toBeUndefined();
      open();
      await allAreLive();
    }
  });

  it("have the leading one try again when somebody wants that at another", async () => {
    open({ heartbeatMs: 20_000 });
    await allAreLive();
    const other = open({ heartbeatMs: 20_000 });
    await allAreLive();
    await oneConnection();
    log.refusal = overloaded(30);
    log.cut();
    await vi.waitFor(() => expect(other.subscription.status.state).toBe("connecting"), 5_000);
    await vi.waitFor(() => expect(tabs[0]?.subscription.status.retryAt).toBeDefined(), 5_000);
    log.refusal = undefined;
    other.subscription.retryNow();
    await allAreLive();
    publish(1);
    await allHaveAll();
    expect(log.openStreams).toBe(1);
  });

  it("double nothing when one takes over that is behind the others", async () => {
    const leading = open();
    await allAreLive();
    const behind = open();
    await allAreLive();
    const ahead = open();
    await allAreLive();
    await oneConnection();
    let done = () => {};
    behind.work = () =>
      new Promise<void>((resolve) => {
        done = resolve;
      });
    publish(5);
    await vi.waitFor(() => expect(ahead.record).toEqual(ahead.wanted), 5_000);
    expect(behind.record).toHaveLength(1);
    leading.close();
    behind.work = async () => {};
    done();
    publish(2);
    await allHaveAll();
    await oneConnection();
  });

  it("lose and double nothing while tabs come and go at random", { timeout: 60_000 }, async () => {
    let seed = 20261121;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let step = 0; step < 300; step++) {
      const start = [
        "now",
        "earliest",
        `c${String(random(log.events.length + 1)).padStart(4, "0")}`,
      ];
      const deeds = [
        () => publish(1 + random(5)),
        () => tabs.length < 6 && open({ start: start[random(3)] }),
        () => tabs[random(tabs.length)]?.close(),
        () => log.cut(),
        () => delay(random(20)),
        () => delay(random(3)),
      ];
      // A stream from now begins with its connection: what is published before that is none of its business.
      const deed = deeds[random(deeds.length)];
      await deed?.();
      await vi.waitFor(
        () => expect(tabs.every(({ subscription }) => subscription.cursor)).toBe(true),
        5_000,
      );
    }
    open();
    await delay(50);
    publish(3);
    await allHaveAll();
    await oneConnection();
    expect(tabs.filter(({ error }) => error)).toEqual([]);
  });
});

describe("betweenTabs", () => {
  it("gives each tab a connection of its own where the browser cannot share", async () => {
    vi.stubGlobal("navigator", { onLine: true });
    open();
    open();
    await vi.waitFor(() => expect(log.openStreams).toBe(2));
    publish(2);
    await allHaveAll();
  });
});
