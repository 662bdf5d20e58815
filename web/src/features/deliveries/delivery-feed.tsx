import type { ReactNode } from "react";
import { readFault } from "@/rpc/fault";
import { Button } from "@/ui/button";
import { ErrorState, Notice, Skeleton } from "@/ui/states";
import type { useDeliveries } from "./queries";

interface Props {
  feed: ReturnType<typeof useDeliveries>;
  /** How many rows stand for the ones that are loaded. */
  skeletonRows: number;
  className: string | undefined;
  children: ReactNode;
}

/** What stands around deliveries as they happen: loading, a failure, updates that stopped, and the way to older ones. */
export function DeliveryFeed({ feed, skeletonRows, className, children }: Props) {
  const { query, live, deliveries } = feed;
  if (query.isPending) return <Skeleton rows={skeletonRows} label="Loading deliveries" />;
  if (query.isError && deliveries.length === 0) {
    return (
      <ErrorState
        title="Deliveries could not be loaded"
        cause={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  }
  return (
    <div className={className}>
      {live.kind === "failed" && <Notice tone="bad">{readFault(live.cause).message}</Notice>}
      {children}
      {query.hasNextPage && (
        <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {query.isFetchNextPageError ? "Loading failed: try again" : "Load older"}
        </Button>
      )}
    </div>
  );
}
