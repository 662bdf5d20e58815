import { AttemptFailureKind } from "#gen/postrider/v1/subscription_pb";

/** Why there was no answer. */
export const unreachable: Partial<Record<AttemptFailureKind, string>> = {
  [AttemptFailureKind.UNSPECIFIED]: "no valid answer",
  [AttemptFailureKind.TIMEOUT]: "no answer in time",
  [AttemptFailureKind.CONNECTION_REFUSED]: "connection refused",
  [AttemptFailureKind.CONNECTION]: "connection lost",
  [AttemptFailureKind.DNS]: "host name not found",
  [AttemptFailureKind.TLS]: "TLS failed",
  [AttemptFailureKind.NOT_PERMITTED]: "address not permitted",
};

const answered: Partial<Record<AttemptFailureKind, string>> = {
  [AttemptFailureKind.REFUSED]: "refused",
  [AttemptFailureKind.SERVER_ERROR]: "server errors",
  [AttemptFailureKind.GONE]: "gone",
};

/** "refused (400)", "connection refused". */
export function failureWords(failure: { kind: AttemptFailureKind; statusCode: number }): string {
  const { kind, statusCode } = failure;
  const words = answered[kind] ?? unreachable[kind] ?? "failed";
  return statusCode === 0 ? words : `${words} (${statusCode})`;
}
