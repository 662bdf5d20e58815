import { createClient } from "@postrider/client/light";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Postrider } from "../../e2e/postrider";

let server: Postrider;

beforeAll(async () => {
  server = await Postrider.start();
});
afterAll(() => server?.remove());

interface Orders {
  "order.created": { n: number };
  "order.paid": { n: number; amount: number };
}

const client = () => createClient<Orders>({ url: server.url, key: server.adminKey });

/** Publishes numbered events, and answers the cursor before them. */
async function publish(count: number): Promise<string> {
  const { cursor } = await client().publish("order.paid", { n: -1, amount: 0 });
  for (let n = 0; n < count; n++) await client().publish("order.created", { n });
  return cursor;
}

describe("@postrider/client/light on a real server", () => {
  it("catches up, is live, and goes on after the server was killed", {
    timeout: 60_000,
  }, async () => {
    const start = await publish(20);
    const numbers: number[] = [];
    const states: string[] = [];
    const subscription = client().subscribe(["order.created"], {
      start,
      onEvent: ({ data }) => numbers.push(data.n),
      onStatus: ({ state }) => state !== states.at(-1) && states.push(state),
    });
    await vi.waitFor(() => expect(numbers).toHaveLength(20), 10_000);
    await vi.waitFor(() => expect(states).toEqual(["catching-up", "live"]), 10_000);
    await server.down("SIGKILL");
    await vi.waitFor(() => expect(subscription.status.state).not.toBe("live"), 10_000);
    await server.up();
    await client().publish("order.created", { n: 20 });
    await vi.waitFor(() => expect(numbers).toEqual([...Array(21).keys()]), 20_000);
    await vi.waitFor(() => expect(subscription.status).toEqual({ state: "live" }), 10_000);
    subscription.close();
  });

  it("reads several filters on one connection", async () => {
    const start = await publish(0);
    await client().publish("order.paid", { n: 1, amount: 5 });
    await client().publish("order.paid", { n: 2, amount: 50 });
    const events = client().subscribe(["order.*"], {
      start,
      filters: [
        { name: "large", expression: "event.data.amount > 10.0" },
        { name: "paid", types: ["order.paid"] },
      ],
    });
    const found: unknown[] = [];
    for await (const { data, filters } of events) {
      found.push([data.n, filters]);
      if (data.n === 2) break;
    }
    expect(found).toEqual([
      [1, ["paid"]],
      [2, ["large", "paid"]],
    ]);
  });

  it.each(["catch-up", "latest-by-key", "drop", "disconnect"] as const)(
    "takes the slow policy %s",
    async (slowPolicy) => {
      const start = await publish(3);
      const events = client().subscribe(["order.created"], { start, slowPolicy });
      const numbers: number[] = [];
      for await (const { data } of events) if (numbers.push(data.n) === 3) break;
      expect(numbers).toEqual([0, 1, 2]);
    },
  );

  it("is let in by a ticket, and sees what the ticket shows", async () => {
    const start = await publish(1);
    const { ticket } = await server.call<{ ticket: string }>("EventService/CreateStreamTicket", {
      types: ["order.created"],
    });
    const page = createClient<Orders>({ url: server.url, token: () => ({ ticket }) });
    const events = page.subscribe(["*"], { start });
    expect((await events.next()).value?.data).toEqual({ n: 0 });
    await events.return();
  });

  it("names what is wrong", async () => {
    const events = client().subscribe(["order.*"], { expression: "event.nothing == 1" });
    await expect(events.next()).rejects.toMatchObject({
      code: "invalid_argument",
      reason: "INVALID_FILTER",
      violations: [{ field: "expression" }],
    });
    const conflict = client().publish("order.created", { n: 1 }, { id: "same" });
    await conflict;
    const other = client().publish("order.created", { n: 2 }, { id: "same" });
    await expect(other).rejects.toMatchObject({
      code: "already_exists",
      reason: "EVENT_ID_CONFLICT",
    });
  });
});
