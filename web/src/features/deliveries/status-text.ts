import type { AttemptResponse } from "#gen/postrider/v1/delivery_pb";

/** The number that the target's protocol has for an answer; an acknowledgement has none. */
export function statusText({ statusCode }: AttemptResponse): string {
  return statusCode === 0 ? "acknowledged" : String(statusCode);
}
