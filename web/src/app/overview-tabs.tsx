import { Link } from "@tanstack/react-router";
import { useAccess } from "@/rpc/session";
import styles from "./overview-tabs.module.css";

/** The tabs for the figures and the live streams, for users who may see both. */
export function OverviewTabs() {
  const { isAdmin } = useAccess();
  if (!isAdmin) return null;
  return (
    <nav className={styles.tabs} aria-label="Overview">
      <Tab to="/overview" label="Figures" />
      <Tab to="/overview/streams" label="Live streams" />
    </nav>
  );
}

function Tab({ to, label }: { to: "/overview" | "/overview/streams"; label: string }) {
  return (
    <Link
      to={to}
      search={({ tenant }) => ({ tenant })}
      className={styles.tab}
      activeOptions={{ exact: true, includeSearch: false }}
    >
      {label}
    </Link>
  );
}
