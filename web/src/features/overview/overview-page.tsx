import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import { useAccess } from "@/rpc/session";
import { buttonClass } from "@/ui/button";
import { clock, rfc3339 } from "@/ui/format/time";
import { Page } from "@/ui/page";
import { moveRowFocus, useShortcuts } from "@/ui/shortcuts";
import { EmptyState, ErrorState, Notice } from "@/ui/states";
import { Chart } from "./chart/chart";
import { CrosshairContext, createCrosshair } from "./chart/crosshair";
import { type ChartName, chartNames, charts } from "./charts";
import { FailureRanking } from "./failures";
import { Figures } from "./figures";
import styles from "./overview-page.module.css";
import { total } from "./present";
import { type Stats, useStats } from "./queries";
import { SubscriptionRanking, TypeRanking } from "./rankings";
import { readSpan, type Span } from "./span";
import { SpanPicker } from "./span-picker";
import { isDone, useRemembered, useStart, useTicked } from "./start";
import { StartList } from "./start-list";
import { Tiles } from "./tiles";
import type { StatsWindow } from "./window";

interface Props {
  span: string | undefined;
  /** The first steps are shown whatever is remembered. */
  asksForStart: boolean;
  tabs: ReactNode;
}

/** The activity of the tenant: figures, charts and rankings. Before there is any: the first steps. */
export function OverviewPage({ span: name, asksForStart, tabs }: Props) {
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
          {!asksForStart && (
            <Link
              to="/overview"
              search={(search) => ({ ...search, start: "1" })}
              className={buttonClass("quiet")}
            >
              Getting started
            </Link>
          )}
          <SpanPicker chosen={span} onChoose={choose} />
        </>
      }
    >
      {stats.cause !== undefined ? (
        <ErrorState title="The figures could not be loaded" cause={stats.cause} />
      ) : (
        <Content key={String(asksForStart)} stats={stats} span={span} asksForStart={asksForStart} />
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

function Content(props: { stats: Stats; span: Span; asksForStart: boolean }) {
  const { stats, span, asksForStart } = props;
  const { tenant } = useAccess();
  const navigate = useNavigate();
  const [remembered, remember] = useRemembered(tenant);
  const [isClosed, setClosed] = useState(false);
  const isWanted = !isClosed && (asksForStart || remembered !== "over");
  const start = useTicked(useStart(stats.window, isWanted));
  const isUsed = start?.event === true && start.receiver;
  // A tenant that is in use already when this browser first sees it needs no first steps.
  const isBegun = remembered === "begun" || (start !== undefined && !isUsed);
  useEffect(() => {
    if (!start || asksForStart || remembered === "over") return;
    if (isDone(start) || (remembered === undefined && isUsed)) remember("over");
    else if (remembered === undefined) remember("begun");
  });
  const close = () => {
    setClosed(true);
    remember("over");
    void navigate({
      to: ".",
      search: (search) => ({ ...search, start: undefined }),
      replace: true,
    });
  };
  const isShown = start !== undefined && isWanted && (asksForStart || isBegun);
  return (
    <div className={styles.content}>
      {isShown && <StartList start={start} onClose={close} />}
      {isQuiet(stats.window) ? (
        !isShown && <Quiet span={span} />
      ) : (
        <Dashboard stats={stats} span={span} />
      )}
    </div>
  );
}

/** Whether the span has nothing but zeros. */
function isQuiet(window: StatsWindow | undefined): boolean {
  return window?.points.every((point) => quietNames.every((name) => !point[name])) ?? false;
}

const quietNames = [
  "published",
  "delivered",
  "failed",
  "dead",
  "backlog",
  "retrying",
  "streams",
] as const;

function Quiet({ span }: { span: Span }) {
  return (
    <EmptyState title="All quiet">
      <p>
        Nothing was published or delivered in {span.words}, and nothing waits. Figures appear here
        as soon as something happens; a longer span may have some.
      </p>
    </EmptyState>
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
        <SubscriptionRanking
          subscriptions={window?.tables?.subscriptions}
          totals={window?.tables?.totals}
          span={span}
        />
        <div className={styles.side}>
          <FailureRanking
            failures={window?.tables?.failures}
            failed={Number(window?.tables?.totals?.failed ?? 0n)}
            span={span}
          />
          <TypeRanking
            types={window?.tables?.eventTypes}
            published={Number(
              window?.tables?.totals?.published ?? total(window?.points ?? [], "published"),
            )}
            span={span}
          />
        </div>
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
