import { useQuery } from "@connectrpc/connect-query";
import { keepPreviousData } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { SubscriptionService } from "#gen/postrider/v1/subscription_pb";
import { useAccess } from "@/rpc/session";

/** The number of newest events on which a filter is tested. */
export const testedEvents = 20;
/** The preview follows the events that arrive. */
const previewEveryMs = 5000;
/** The pause in typing after which the filter is tested. */
const pauseMs = 300;

/** What the filter makes of the newest events, soon after it has been typed. */
export function useFilterTest(types: readonly string[], expression: string) {
  const { tenant } = useAccess();
  const typed = JSON.stringify([types, expression]);
  const [settled, setSettled] = useState(typed);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(typed), pauseMs);
    return () => clearTimeout(timer);
  }, [typed]);
  const [patterns, text] = JSON.parse(settled) as [string[], string];
  const query = useQuery(
    SubscriptionService.method.testFilter,
    { tenant, filter: { types: patterns, expression: text }, limit: testedEvents },
    {
      placeholderData: keepPreviousData,
      // What is refused is refused again until it is changed.
      refetchInterval: ({ state }) => (state.status === "error" ? false : previewEveryMs),
    },
  );
  const isCurrent = settled === typed && !query.isPlaceholderData;
  return { query, isCurrent };
}
