import { setTimeout as delay } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { OrderCreatedSchema } from "../examples/gen/shop/v1/order_pb.js";
import { onAbort } from "./abort.js";
import { createClient } from "./client.js";
import { createClient as createLightClient } from "./light/client.js";
import { HttpServer } from "./testing/http-server.js";

// Regression (issue 8, 21): fifteen calls with one signal added a listener each, and Node 20 warned of a leak.
it("fifteen calls of each kind may share a signal", async () => {
  const warnings: string[] = [];
  const warn = ({ name, message }: Error) => void warnings.push(`${name}: ${message}`);
  process.on("warning", warn);
  const server = await HttpServer.start(() => {});
  const { signal, abort } = ((controller) => ({
    signal: controller.signal,
    abort: () => controller.abort(new Error("enough")),
  }))(new AbortController());
  const added = vi.spyOn(signal, "addEventListener");
  const [client, light] = [createClient({ url: server.url }), createLightClient(server)];
  const calls = Array.from({ length: 15 }, () => [
    client.publish(OrderCreatedSchema, {}, { signal }),
    light.publish("order.created", {}, { signal }),
    client.subscribe([OrderCreatedSchema], { signal }).next(),
    light.subscribe(["*"], { signal }).next(),
  ]).flat();
  const ended = Promise.allSettled(calls);
  await vi.waitFor(() => expect(server.requests.length).toBeGreaterThan(15), 10_000);
  abort();
  for (const { status, ...end } of await ended) {
    if (status === "rejected") expect((end as { reason: Error }).reason.message).toBe("enough");
    else expect(end).toMatchObject({ value: { done: true } });
  }
  await delay(10);
  process.off("warning", warn);
  await server.stop();
  expect(warnings).toEqual([]);
  expect(added).toHaveBeenCalledTimes(1);
});

it("what is taken back is not done", () => {
  const controller = new AbortController();
  const done: number[] = [];
  onAbort(controller.signal, () => done.push(1))();
  onAbort(controller.signal, () => done.push(2));
  onAbort(undefined, () => done.push(3))();
  controller.abort();
  expect(done).toEqual([2]);
});
