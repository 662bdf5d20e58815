import { SlowPolicy } from "#gen/postrider/v1/event_pb";
import {
  LiveStream_Admission as Admission,
  type LiveStream,
  LiveStream_Transport as Transport,
} from "#gen/postrider/v1/stream_pb";
import type { Status } from "@/theme/status";

export const transportName: Record<Transport, string> = {
  [Transport.UNSPECIFIED]: "Unknown",
  [Transport.CONNECT]: "Connect",
  [Transport.GRPC]: "gRPC",
  [Transport.GRPC_WEB]: "gRPC-Web",
  [Transport.SSE]: "SSE",
  [Transport.NDJSON]: "NDJSON",
  [Transport.WEBSOCKET]: "WebSocket",
};

export const policyName: Record<SlowPolicy, string> = {
  [SlowPolicy.UNSPECIFIED]: "catch up",
  [SlowPolicy.CATCH_UP]: "catch up",
  [SlowPolicy.LATEST_BY_KEY]: "latest by key",
  [SlowPolicy.DROP]: "drop",
  [SlowPolicy.DISCONNECT]: "disconnect",
};

const admissionText: Record<Admission, string> = {
  [Admission.UNSPECIFIED]: "",
  [Admission.KEY]: "",
  [Admission.SESSION]: "by a session",
  [Admission.TICKET]: "by a ticket",
};

/** Whose key let it in, and how. */
export function holderText({ apiKeyName, apiKeyId, admission }: LiveStream): string {
  const key = apiKeyName || apiKeyId || "admin key";
  return [key, admissionText[admission]].filter(Boolean).join(", ");
}

export function streamStatus({ live }: LiveStream): Status {
  return live
    ? { tone: "good", label: "Live", hint: "The stream has reached the end of the log." }
    : {
        tone: "wait",
        label: "Catching up",
        hint: "The stream is reading older events from the log.",
      };
}
