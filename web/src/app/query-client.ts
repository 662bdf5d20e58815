import { QueryClient } from "@tanstack/react-query";
import { readFault } from "@/rpc/fault";

/** Reads are retried only if the server could not be reached; otherwise the response would be the same. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: (failures, cause) => failures < 1 && readFault(cause).unreachable,
        retryDelay: 500,
        staleTime: 1000,
        // The browser's idea of being online says nothing of a server on this machine.
        networkMode: "always",
      },
      mutations: { networkMode: "always" },
    },
  });
}
