import type { Sign } from "@postrider/client";
import type { SubscribeResponse } from "#gen/postrider/v1/event_pb";

/** What a message of Subscribe says about the stream. */
export function subscribeSign({ message }: SubscribeResponse): Sign {
  const isSign = message.case === "begin" || message.case === "heartbeat";
  return isSign ? { live: message.value.live } : {};
}
