import { ApiKeyScope } from "#gen/postrider/v1/api_key_pb";

export const scopeName: Record<ApiKeyScope, string> = {
  [ApiKeyScope.UNSPECIFIED]: "unknown",
  [ApiKeyScope.ADMIN]: "admin",
  [ApiKeyScope.PUBLISH]: "publish",
  [ApiKeyScope.CONSUME]: "consume",
};

/** The scopes a key can be given, with what each allows. */
export const grantable: [scope: ApiKeyScope, what: string][] = [
  [ApiKeyScope.PUBLISH, "publish events"],
  [ApiKeyScope.CONSUME, "read events and deliveries, subscribe"],
  [ApiKeyScope.ADMIN, "everything"],
];
