import { useMatches, useNavigate } from "@tanstack/react-router";
import { useAccess } from "@/rpc/session";
import { useTenantChoice } from "./queries";
import styles from "./tenant-switcher.module.css";

const fallback = "default";

/** Where an object of one tenant is shown: another tenant has the list alone. */
const lists: Record<string, string> = {
  "/events/$eventId": "/events",
  "/subscriptions/$subscriptionId": "/subscriptions",
  "/subscriptions/$subscriptionId/edit": "/subscriptions",
};

/** Which tenant is looked at; a key that is confined to one only says so. */
export function TenantSwitcher() {
  const { session, tenant, isServerScoped } = useAccess();
  const navigate = useNavigate();
  const list = useMatches({ select: (matches) => lists[matches.at(-1)?.routeId ?? ""] });
  const query = useTenantChoice(isServerScoped);
  if (!isServerScoped) return <span className={styles.name}>{session.tenant}</span>;
  const current = tenant || fallback;
  const names = new Set([current, ...(query.data?.tenants.map(({ name }) => name) ?? [])]);
  return (
    <select
      className={styles.select}
      aria-label="Tenant"
      value={current}
      onChange={(event) => {
        const chosen = event.target.value;
        const tenant = chosen === fallback ? undefined : chosen;
        const search = ({ state, ...before }: { state?: string }) => ({
          ...before,
          ...(!list && { state }),
          tenant,
          delivery: undefined,
        });
        void navigate({ to: list ?? ".", search });
      }}
    >
      {[...names].sort().map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}
