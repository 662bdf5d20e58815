import {
  createConnectQueryKey,
  useInfiniteQuery,
  useMutation,
  useQuery,
} from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { TenantService } from "#gen/postrider/v1/tenant_pb";

const method = TenantService.method;

export function useTenants() {
  return useInfiniteQuery(
    method.listTenants,
    { pageSize: 100, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: (page) => page.nextPageToken || undefined },
  );
}

/** The tenants to switch between: a list that is longer than this is for the tenants page and the URL. */
export function useTenantChoice(enabled: boolean) {
  return useQuery(method.listTenants, { pageSize: 1000 }, { enabled, staleTime: 60_000 });
}

export function useCreateTenant() {
  return useMutation(method.createTenant, { onSuccess: useInvalidate() });
}

export function useUpdateTenant() {
  return useMutation(method.updateTenant, { onSuccess: useInvalidate() });
}

function useInvalidate() {
  const queries = useQueryClient();
  return () =>
    queries.invalidateQueries({
      queryKey: createConnectQueryKey({ schema: TenantService, cardinality: undefined }),
    });
}
