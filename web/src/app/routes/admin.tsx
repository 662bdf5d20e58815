import { ApiKeysPage } from "@/features/api-keys/api-keys-page";
import { TenantsPage } from "@/features/tenants/tenants-page";
import { useTitle } from "../title";

export function KeysRoute() {
  useTitle("API keys");
  return <ApiKeysPage />;
}

export function TenantsRoute() {
  useTitle("Tenants");
  return <TenantsPage />;
}
