import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { TransportProvider } from "@connectrpc/connect-query";
import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect } from "react";
import { sessionKey } from "@/features/session/queries";
import { SlotProvider } from "@/live/context";
import type { StreamSlot } from "@/live/slot";
import type { Reachability } from "@/rpc/reachability";
import { ReachabilityProvider } from "@/rpc/reachability-context";
import type { AppRouter } from "./router";

/** The dependencies of the page; tests pass a transport of their own. */
export interface Parts {
  transport: Transport;
  queries: QueryClient;
  router: AppRouter;
  slot: StreamSlot;
  reachability: Reachability;
}

export function App({ transport, queries, router, slot, reachability }: Parts) {
  useEffect(() => slot.state.subscribe(() => leaveWithStream(slot, queries)), [slot, queries]);
  return (
    <TransportProvider transport={transport}>
      <QueryClientProvider client={queries}>
        <ReachabilityProvider reachability={reachability}>
          <SlotProvider slot={slot}>
            <RouterProvider router={router} />
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
