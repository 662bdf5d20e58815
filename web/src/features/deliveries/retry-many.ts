import { createClient } from "@connectrpc/connect";
import { createConnectQueryKey, useTransport } from "@connectrpc/connect-query";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { DeliveryService } from "#gen/postrider/v1/delivery_pb";
import { readFault } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";

/** At most this many deliveries are retried at once, and this many calls are under way. */
export const retryLimit = 200;
const callsAtOnce = 4;

export interface RetryResult {
  retried: number;
  /** The reasons of those that were refused, with their number. */
  refused: Map<string, number>;
}

/** Retries deliveries; each that is refused leaves the others alone. */
export function useRetryMany() {
  const { tenant } = useAccess();
  const transport = useTransport();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (ids: readonly string[]): Promise<RetryResult> => {
      const client = createClient(DeliveryService, transport);
      const result: RetryResult = { retried: 0, refused: new Map() };
      const waiting = ids.slice(0, retryLimit);
      const retryNext = async (): Promise<void> => {
        const id = waiting.shift();
        if (id === undefined) return;
        try {
          await client.retryDelivery({ tenant, id });
          result.retried++;
        } catch (error) {
          const { message } = readFault(error);
          result.refused.set(message, (result.refused.get(message) ?? 0) + 1);
        }
        return retryNext();
      };
      await Promise.all(Array.from({ length: callsAtOnce }, retryNext));
      return result;
    },
    onSettled: () =>
      queries.invalidateQueries({
        queryKey: createConnectQueryKey({ schema: DeliveryService, cardinality: undefined }),
      }),
  });
}

/** "12 retried, 2 refused: an attempt is under way (2)". */
export function retryText({ retried, refused }: RetryResult): string {
  const failed = [...refused.values()].reduce((sum, count) => sum + count, 0);
  const reasons = [...refused].map(([reason, count]) => `${reason} (${count})`).join("; ");
  return failed === 0
    ? `${retried} retried.`
    : `${retried} retried, ${failed} refused: ${reasons}.`;
}
