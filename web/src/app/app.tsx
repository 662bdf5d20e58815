import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { TransportProvider } from "@connectrpc/connect-query";
import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect } from "react";
import { SessionService } from "#gen/postrider/v1/session_pb";
import { sessionKey } from "@/features/session/queries";
import { SlotProvider } from "@/live/context";
import { restWhileHidden } from "@/live/rest";
import type { StreamSlot } from "@/live/slot";
import type { Reachability } from "@/rpc/reachability";
import { ReachabilityProvider } from "@/rpc/reachability-context";
import { askTimeoutMs } from "@/rpc/transport";
import type { Build } from "./build";
import { BuildProvider } from "./build-context";
import { askWhileAway, catchUp, followBuild } from "./follow";
import type { AppRouter } from "./router";

/** The dependencies of the page; tests pass a transport of their own. */
export interface Parts {
  transport: Transport;
  queries: QueryClient;
  router: AppRouter;
  slot: StreamSlot;
  reachability: Reachability;
  build: Build;
}

export function App({ transport, queries, router, slot, reachability, build }: Parts) {
  useEffect(() => slot.state.subscribe(() => leaveWithStream(slot, queries)), [slot, queries]);
  useEffect(() => restWhileHidden(slot), [slot]);
  useEffect(() => {
    const { getSession } = createClient(SessionService, transport);
    return askWhileAway(reachability, () => getSession({}, { timeoutMs: askTimeoutMs }));
  }, [transport, reachability]);
  useEffect(() => catchUp(reachability, queries, slot), [reachability, queries, slot]);
  useEffect(
    () => followBuild(build, { reachability, slot, router }),
    [build, reachability, slot, router],
  );
  return (
    <TransportProvider transport={transport}>
      <QueryClientProvider client={queries}>
        <ReachabilityProvider reachability={reachability}>
          <SlotProvider slot={slot}>
            <BuildProvider value={build}>
              <RouterProvider router={router} />
            </BuildProvider>
          </SlotProvider>
        </ReachabilityProvider>
      </QueryClientProvider>
    </TransportProvider>
  );
}

/** A stream that is refused for want of a session shows, often before any other call, that the key has been revoked. */
function leaveWithStream(slot: StreamSlot, queries: QueryClient): void {
  const state = slot.state.get();
  if (state.kind !== "failed") return;
  if (ConnectError.from(state.cause).code === Code.Unauthenticated) {
    queries.setQueryData(sessionKey, null);
  }
}
