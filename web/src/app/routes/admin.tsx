export { ApiKeysPage as KeysRoute } from "@/features/api-keys/api-keys-page";
export { TenantsPage as TenantsRoute } from "@/features/tenants/tenants-page";
