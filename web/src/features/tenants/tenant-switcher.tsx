import { useNavigate } from "@tanstack/react-router";
import { useAccess } from "@/rpc/session";
import { useTenantChoice } from "./queries";
import styles from "./tenant-switcher.module.css";

const fallback = "default";

/** Which tenant is looked at; a key that is confined to one only says so. */
export function TenantSwitcher() {
  const { session, tenant, isServerScoped } = useAccess();
  const navigate = useNavigate();
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
        // An id belongs to one tenant: the way leads to the events of the other one.
        void navigate({
          to: "/events",
          search: { tenant: chosen === fallback ? undefined : chosen },
        });
      }}
    >
      {[...names].sort().map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}
