import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { expect, test, vi } from "vitest";
import { EventService } from "#gen/postrider/v1/event_pb";
import { SessionService } from "#gen/postrider/v1/session_pb";
import { createReachability } from "./reachability";
import { isUnreachable, watchAnswers } from "./transport";

test("an error with the server's details shows that the server responds", () => {
  const error = new ConnectError("the disk is full", Code.Unavailable);
  expect(isUnreachable(error)).toBe(true);
  error.details.push({ type: "google.rpc.ErrorInfo", value: new Uint8Array() });
  expect(isUnreachable(error)).toBe(false);
});

test("a call that takes too long does not count as a server that is away", async () => {
  const reachability = createReachability();
  const ask = vi.fn();
  const never = () => new Promise<never>(() => undefined);
  const transport = createRouterTransport(
    ({ service }) => {
      service(EventService, { listEvents: never });
      service(SessionService, { getSession: never });
    },
    { transport: { interceptors: [watchAnswers(reachability, () => undefined, ask)] } },
  );
  const options = { timeoutMs: 20 };
  await expect(createClient(EventService, transport).listEvents({}, options)).rejects.toThrow();
  expect(ask).toHaveBeenCalledOnce();
  expect(reachability.get().reachable).toBe(true);
  await expect(createClient(SessionService, transport).getSession({}, options)).rejects.toThrow();
  expect(ask).toHaveBeenCalledOnce();
  expect(reachability.get().reachable).toBe(false);
});
