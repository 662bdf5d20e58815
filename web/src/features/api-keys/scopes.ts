import { ApiKeyScope } from "#gen/postrider/v1/api_key_pb";

export const permissionName: Record<ApiKeyScope, string> = {
  [ApiKeyScope.UNSPECIFIED]: "Unknown",
  [ApiKeyScope.ADMIN]: "Everything",
  [ApiKeyScope.PUBLISH]: "Publish",
  [ApiKeyScope.CONSUME]: "Read and subscribe",
};

/** The permissions a key can be given, with what each allows. */
export const grantable: [scope: ApiKeyScope, what: string][] = [
  [ApiKeyScope.PUBLISH, "send events to this server"],
  [ApiKeyScope.CONSUME, "read events and deliveries, open live streams"],
  [ApiKeyScope.ADMIN, "publish, read, and change subscriptions, keys and settings"],
];
