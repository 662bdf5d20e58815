import { EventSource } from "eventsource";
import { expect, it, vi } from "vitest";
import { Postrider } from "../../e2e/postrider";

/* The npm package `eventsource`, which knows nothing of Postrider, on the real server. */

it("resumes with Last-Event-ID over crashes and a restart of the server", {
  timeout: 60_000,
}, async () => {
  const server = await Postrider.start();
  const numbers: number[] = [];
  const lastIds: (string | null)[] = [];
  const source = new EventSource(`${server.url}/v1/events/stream?types=order.*&heartbeat=200ms`, {
    fetch: (address, init) => {
      const headers = new Headers(init.headers);
      lastIds.push(headers.get("Last-Event-ID"));
      headers.set("Authorization", `Bearer ${server.adminKey}`);
      return fetch(address, { ...init, headers });
    },
  });
  source.addEventListener("message", ({ data }) => numbers.push(JSON.parse(data).data.n));
  try {
    await new Promise((resolve) => source.addEventListener("ping", resolve, { once: true }));
    const published: number[] = [];
    const publish = async (count: number) => {
      for (let i = 0; i < count; i++) {
        await server.publish("order.created", { n: published.length });
        published.push(published.length);
      }
    };
    await publish(10);
    for (const signal of ["SIGKILL", "SIGTERM", "SIGKILL"] as const) {
      await publish(5);
      await server.down(signal);
      await server.up();
      // It waits for a second or two before it comes back: it has these to catch up on.
      await publish(10);
      await vi.waitFor(() => expect(numbers).toEqual(published), 15_000);
    }
    expect(lastIds[0]).toBeNull();
    expect(lastIds.slice(1).filter((id) => !id)).toEqual([]);
  } finally {
    source.close();
    await server.remove();
  }
});
