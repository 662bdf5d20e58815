import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useCallback, useState } from "react";
import { useAccess } from "@/rpc/session";
import { clock, rfc3339 } from "@/ui/format/time";
import { Page } from "@/ui/page";
import { moveRowFocus, useShortcuts } from "@/ui/shortcuts";
import { ErrorState, Notice } from "@/ui/states";
import { Chart } from "./chart/chart";
import { CrosshairContext, createCrosshair } from "./chart/crosshair";
import { type ChartName, chartNames, charts } from "./charts";
import { Figures } from "./figures";
import styles from "./overview-page.module.css";
import { total } from "./present";
import { type Stats, useStats } from "./queries";
import { SubscriptionRanking, TypeRanking } from "./rankings";
import { readSpan, type Span } from "./span";
import { SpanPicker } from "./span-picker";
import { Tiles } from "./tiles";

/** The activity of the tenant: figures, charts and rankings. */
export function OverviewPage({ span: name, tabs }: { span: string | undefined; tabs: ReactNode }) {
  const span = readSpan(name);
  const stats = useStats(span.ms);
  const navigate = useNavigate();
  const choose = (chosen: Span) =>
    void navigate({
      to: ".",
      search: (search) => ({ ...search, span: chosen.name }),
      replace: true,
    });
  useShortcuts({ j: () => moveRowFocus(1), k: () => moveRowFocus(-1) });
  return (
    <Page
      title="Overview"
      tabs={tabs}
      actions={
        <>
          {stats.isStale && <Staleness receivedAt={stats.receivedAt} />}
          <SpanPicker chosen={span} onChoose={choose} />
        </>
      }
    >
      {stats.cause !== undefined ? (
        <ErrorState title="The figures could not be loaded" cause={stats.cause} />
      ) : (
        <Dashboard stats={stats} span={span} />
      )}
    </Page>
  );
}

function Staleness({ receivedAt }: { receivedAt: number }) {
  return (
    <Notice tone="warn">
      No connection: figures are of {clock(timestampFromMs(receivedAt)).slice(0, 8)}
    </Notice>
  );
}

function Dashboard({ stats, span }: { stats: Stats; span: Span }) {
  const { isAdmin } = useAccess();
  const [crosshair] = useState(createCrosshair);
  const { window } = stats;
  return (
    <div className={styles.dashboard} aria-busy={stats.isPending}>
      <Tiles stats={stats} span={span} showsStreams={isAdmin} />
      <CrosshairContext value={crosshair}>
        <div className={styles.charts}>
          {chartNames.map((name) => (
            <LiveChart key={name} name={name} stats={stats} />
          ))}
        </div>
      </CrosshairContext>
      <div className={styles.rankings}>
        <SubscriptionRanking subscriptions={window?.tables?.subscriptions} span={span} />
        <TypeRanking
          types={window?.tables?.eventTypes}
          published={Number(
            window?.tables?.totals?.published ?? total(window?.points ?? [], "published"),
          )}
          span={span}
        />
      </div>
      {window && <Figures window={window} />}
    </div>
  );
}

function LiveChart({ name, stats }: { name: ChartName; stats: Stats }) {
  const navigate = useNavigate();
  const resolutionMs = stats.window?.resolutionMs ?? 0;
  const pick = useCallback(
    (start: number) => {
      if (name === "failures") {
        void navigate({ to: "/deliveries", search: ({ tenant }) => ({ tenant, state: "FAILED" }) });
      } else if (name === "backlog") {
        void navigate({ to: "/subscriptions", search: ({ tenant }) => ({ tenant }) });
      } else {
        void navigate({
          to: "/events",
          search: ({ tenant }) => ({
            tenant,
            from: rfc3339(timestampFromMs(start)),
            to: rfc3339(timestampFromMs(start + resolutionMs)),
          }),
        });
      }
    },
    [name, navigate, resolutionMs],
  );
  return <Chart spec={charts[name]} series={stats.series} onPick={pick} />;
}
