import { Link, Outlet, useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import type { Session } from "#gen/postrider/v1/session_pb";
import { useSession } from "@/features/session/queries";
import { SessionMenu } from "@/features/session/session-menu";
import { SignInPage } from "@/features/session/sign-in-page";
import { TenantSwitcher } from "@/features/tenants/tenant-switcher";
import { AccessProvider, ownerOf } from "@/rpc/session";
import { useStore } from "@/store/store";
import { cycleTheme, theme } from "@/theme/theme";
import { IconButton } from "@/ui/button";
import type { IconName } from "@/ui/icon";
import { Mark } from "@/ui/mark";
import { useShortcuts } from "@/ui/shortcuts";
import { ErrorState, Skeleton } from "@/ui/states";
import { Connection, OfflineStrip } from "./connection";
import { Navigation } from "./navigation";
import styles from "./shell.module.css";
import { ShortcutsDialog } from "./shortcuts-dialog";
import { useTitle } from "./title";

/** The frame of every page. A user who is not signed in gets the sign-in page first. */
export function Shell() {
  const session = useSession();
  if (session.isPending) {
    return (
      <main className={styles.starting}>
        <Skeleton rows={1} label="Connecting to the server" />
      </main>
    );
  }
  if (session.data === undefined) {
    return (
      <main className={styles.starting}>
        <ErrorState
          title="The server does not respond"
          cause={session.error}
          onRetry={() => void session.refetch()}
        />
      </main>
    );
  }
  if (session.data === null) return <SignIn />;
  return <SignedIn key={ownerOf(session.data)} session={session.data} />;
}

function SignIn() {
  useTitle("Sign in");
  return <SignInPage />;
}

/** The page of one caller: the next one begins with a new one. */
function SignedIn({ session }: { session: Session }) {
  const { tenant: wanted } = useSearch({ strict: false });
  const navigate = useNavigate();
  // The URL may be that of a caller who may go from tenant to tenant.
  const isForeign = session.tenant !== "" && wanted !== undefined && wanted !== session.tenant;
  const tenant = isForeign ? undefined : wanted;
  useEffect(() => {
    if (!isForeign) return;
    const search = (before: object) => ({ ...before, tenant: undefined });
    void navigate({ to: ".", search, replace: true });
  }, [isForeign, navigate]);
  return (
    <AccessProvider session={session} tenant={tenant ?? ""}>
      <Frame session={session} tenant={tenant} />
    </AccessProvider>
  );
}

function Frame({ session, tenant }: { session: Session; tenant: string | undefined }) {
  const [help, setHelp] = useState(false);
  useShortcuts({ "?": () => setHelp(true) });
  useFocusAfterNavigation();
  return (
    <div className={styles.frame}>
      <a href="#main" className={styles.skip}>
        Skip to the content
      </a>
      <header className={styles.top}>
        <Link
          to="/overview"
          search={{ tenant }}
          className={styles.brand}
          aria-label="Postrider, overview"
        >
          <Mark size={26} />
          <span className={styles.word}>Postrider</span>
        </Link>
        <Navigation session={session} tenant={tenant} />
        <div className={styles.tools}>
          <Connection />
          <TenantSwitcher />
          <span className={styles.wideOnly}>
            <IconButton icon="help" label="Keyboard shortcuts" onClick={() => setHelp(true)} />
          </span>
          <ThemeButton />
          <SessionMenu session={session} />
        </div>
      </header>
      <OfflineStrip />
      <main id="main" className={styles.main} tabIndex={-1}>
        {/* Another tenant is another world: nothing of the page is carried over. */}
        <Outlet key={tenant} />
      </main>
      {help && <ShortcutsDialog onClose={() => setHelp(false)} />}
    </div>
  );
}

/** A page that took the focused element away with it hands the focus to the next one, not to the top of the document. */
function useFocusAfterNavigation(): void {
  const router = useRouter();
  useEffect(
    () =>
      router.subscribe("onRendered", ({ pathChanged }) => {
        if (!pathChanged || document.activeElement !== document.body) return;
        document.getElementById("main")?.focus({ preventScroll: true });
      }),
    [router],
  );
}

const themeIcon: Record<ReturnType<typeof theme.get>, IconName> = {
  system: "system",
  light: "sun",
  dark: "moon",
};

function ThemeButton() {
  const chosen = useStore(theme);
  return <IconButton icon={themeIcon[chosen]} label={`Theme: ${chosen}`} onClick={cycleTheme} />;
}
