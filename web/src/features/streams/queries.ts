import { createClient } from "@connectrpc/connect";
import { useMutation, useTransport } from "@connectrpc/connect-query";
import { useMemo } from "react";
import { StreamService } from "#gen/postrider/v1/stream_pb";
import { useClaim } from "@/live/context";
import { useAccess } from "@/rpc/session";
import { useStore } from "@/store/store";
import { useVisible } from "@/ui/media";
import { StreamsWatch } from "./watch";

/** The tenant's open streams, kept current for as long as they are looked at. */
export function useStreams() {
  const { tenant } = useAccess();
  const transport = useTransport();
  const watch = useMemo(
    () => new StreamsWatch(createClient(StreamService, transport), tenant),
    [transport, tenant],
  );
  useClaim(useVisible() ? watch.stream : undefined, "list");
  return { ...useStore(watch.view), live: useStore(watch.stream.state) };
}

export function useDisconnect() {
  const { tenant } = useAccess();
  const mutation = useMutation(StreamService.method.disconnectStream);
  return {
    ...mutation,
    disconnect: (id: string, onSuccess: () => void) =>
      mutation.mutate({ tenant, id }, { onSuccess }),
  };
}
