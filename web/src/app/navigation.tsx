import { Link, useMatchRoute } from "@tanstack/react-router";
import { ApiKeyScope } from "#gen/postrider/v1/api_key_pb";
import type { Session } from "#gen/postrider/v1/session_pb";
import { Icon } from "@/ui/icon";
import { useMedia } from "@/ui/media";
import { Menu } from "@/ui/menu";
import styles from "./navigation.module.css";

const daily = [
  { to: "/overview", icon: "overview", label: "Overview" },
  { to: "/events", icon: "events", label: "Events" },
  { to: "/deliveries", icon: "deliveries", label: "Deliveries" },
  { to: "/subscriptions", icon: "subscriptions", label: "Subscriptions" },
] as const;
const further = [
  { to: "/event-types", icon: "types", label: "Event types" },
  { to: "/playground", icon: "playground", label: "Playground" },
] as const;
const adminPages = [{ to: "/keys", icon: "key", label: "API keys" }] as const;
const serverPages = [{ to: "/tenants", icon: "tenants", label: "Tenants" }] as const;

type Entry = (typeof daily | typeof further | typeof adminPages | typeof serverPages)[number];

/** Below this width the top bar has no room for every page. */
const tight = "(max-width: 1269px)";

/** The pages. Where there is no room for all, those of every day, and a menu with the others. */
export function Navigation({ session, tenant }: { session: Session; tenant: string | undefined }) {
  const isAdmin = session.scopes.includes(ApiKeyScope.ADMIN);
  const hasRoom = !useMedia(tight);
  const others: Entry[] = [
    ...further,
    ...(isAdmin ? adminPages : []),
    ...(isAdmin && session.tenant === "" ? serverPages : []),
  ];
  const link = (entry: Entry, onClick?: () => void) => (
    <Link
      key={entry.to}
      to={entry.to}
      search={{ tenant }}
      className={onClick ? styles.other : styles.page}
      activeOptions={{ includeSearch: false }}
      onClick={onClick}
    >
      <Icon name={entry.icon} /> {entry.label}
    </Link>
  );
  return (
    <nav className={styles.nav} aria-label="Pages">
      {[...daily, ...(hasRoom ? others : [])].map((entry) => link(entry))}
      {!hasRoom && <More others={others} link={link} />}
    </nav>
  );
}

function More(props: {
  others: Entry[];
  link: (entry: Entry, onClick: () => void) => React.ReactNode;
}) {
  const { others, link } = props;
  const matches = useMatchRoute();
  const current = others.find(({ to }) => matches({ to, fuzzy: true }));
  return (
    <Menu
      label={current && `More pages, now ${current.label}`}
      button={
        <>
          <Icon name={current?.icon ?? "more"} /> {current?.label ?? "More"}
        </>
      }
      classes={{
        button: current ? `${styles.page} ${styles.current}` : styles.page,
        sheet: styles.more,
      }}
    >
      {(close) => others.map((entry) => link(entry, close))}
    </Menu>
  );
}
