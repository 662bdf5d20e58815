import type { Transport } from "@connectrpc/connect";
import { TransportProvider } from "@connectrpc/connect-query";
import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { SlotProvider } from "@/live/context";
import type { StreamSlot } from "@/live/slot";
import type { Reachability } from "@/rpc/reachability";
import { ReachabilityProvider } from "@/rpc/reachability-context";
import type { AppRouter } from "./router";

/** What the page stands on; tests put a transport of their own here. */
export interface Parts {
  transport: Transport;
  queries: QueryClient;
  router: AppRouter;
  slot: StreamSlot;
  reachability: Reachability;
}

export function App({ transport, queries, router, slot, reachability }: Parts) {
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
