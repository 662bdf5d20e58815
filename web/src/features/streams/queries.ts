import { createClient } from "@connectrpc/connect";
import { useMutation, useTransport } from "@connectrpc/connect-query";
import { useWatch } from "@postrider/client/react-query";
import { useMemo } from "react";
import { StreamService } from "#gen/postrider/v1/stream_pb";
import { useLiveState, usePlace } from "@/live/context";
import { useAccess } from "@/rpc/session";
import { useStore } from "@/store/store";
import { isMarker, none, withMessage } from "./watch";

/** The tenant's open streams, kept current for as long as they are shown. */
export function useStreams() {
  const { tenant } = useAccess();
  const transport = useTransport();
  const client = useMemo(() => createClient(StreamService, transport), [transport]);
  const place = usePlace("list");
  const watch = useWatch(
    (signal) => client.watchStreams({ tenant }, { signal, timeoutMs: 0 }),
    [client, tenant],
    { begin: () => none, fold: withMessage, isMarker, enabled: useStore(place.isOn) },
  );
  return { open: watch.value, live: useLiveState(place, watch) };
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
