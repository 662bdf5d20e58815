import { createConnectQueryKey, useInfiniteQuery, useMutation } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { ApiKeyService } from "#gen/postrider/v1/api_key_pb";
import { useAccess } from "@/rpc/session";

const method = ApiKeyService.method;

export function useApiKeys() {
  const { tenant } = useAccess();
  return useInfiniteQuery(
    method.listApiKeys,
    { tenant, pageSize: 100, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: (page) => page.nextPageToken || undefined },
  );
}

export function useCreateApiKey() {
  // The secret in the answer is not kept: it goes when the dialog goes.
  return useMutation(method.createApiKey, { onSuccess: useRefresh(), gcTime: 0 });
}

export function useRevokeApiKey() {
  return useMutation(method.revokeApiKey, { onSuccess: useRefresh() });
}

function useRefresh() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({
      queryKey: createConnectQueryKey({ schema: ApiKeyService, cardinality: undefined }),
    });
}
