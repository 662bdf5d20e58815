import { Code } from "@connectrpc/connect";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { GetEventTypeResponse } from "#gen/postrider/v1/event_type_pb";
import { readFault } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";
import { Badge } from "@/ui/badge";
import { buttonClass } from "@/ui/button";
import { EventType } from "@/ui/event-type";
import { Icon } from "@/ui/icon";
import { Page } from "@/ui/page";
import { EmptyState, ErrorState, Notice, Skeleton } from "@/ui/states";
import { Controls } from "./controls";
import { deprecated } from "./deprecated";
import { Changes, Versions } from "./diff-section";
import { Documentation } from "./documentation";
import styles from "./event-type-page.module.css";
import { LevelChoice } from "./level-choice";
import { isPart } from "./list";
import { useEventType } from "./queries";
import { Subscribers } from "./subscribers";
import { Traffic } from "./traffic";

interface Props {
  name: string;
  /** Whose documentation; the latest when 0. */
  version: number;
  /** Which versions are compared; the newest two when both are 0. */
  diff: { from: number; to: number };
}

/** Everything about one event type, generated from its schema. */
export function EventTypePage({ name, version, diff }: Props) {
  const query = useEventType(name, version);
  const title = <EventType name={name} />;
  if (query.isPending) {
    return (
      <Page title={title}>
        <Skeleton rows={8} label="Loading the event type" />
      </Page>
    );
  }
  if (query.isError && (!query.data || readFault(query.error).code === Code.NotFound)) {
    return (
      <Page title={title}>
        <Missing name={name} cause={query.error} onRetry={() => void query.refetch()} />
      </Page>
    );
  }
  if (!query.data) return null;
  return <Loaded name={name} about={query.data} diff={diff} />;
}

function Loaded({ name, about, diff }: Omit<Props, "version"> & { about: GetEventTypeResponse }) {
  const { isAdmin } = useAccess();
  const { eventType, documentation, versions } = about;
  if (!eventType) return null;
  return (
    <Page
      title={
        <>
          <EventType name={name} /> {eventType.deprecated && <Badge status={deprecated} />}
        </>
      }
      actions={
        <>
          <Link
            to="/playground"
            search={({ tenant }) => ({ tenant, type: name })}
            className={buttonClass("main")}
          >
            <Icon name="playground" /> Try it
          </Link>
          <EventsLink name={name} />
          {isAdmin && <Controls type={eventType} />}
        </>
      }
    >
      {eventType.deprecated && eventType.deprecationNote && (
        <Notice tone="warn">Deprecated. {eventType.deprecationNote}</Notice>
      )}
      {isPart(eventType) && (
        <Notice tone="warn">
          This message is not marked as an event, and no event of it is stored. It is part of{" "}
          {eventType.partOf.join(", ")}.
        </Notice>
      )}
      {eventType.description && <p className={styles.description}>{eventType.description}</p>}
      <div className={styles.columns}>
        <div className={styles.main}>
          {documentation && (
            <Documentation documentation={documentation} description={eventType.description} />
          )}
          <Changes name={name} versions={versions} diff={diff} />
        </div>
        <div className={styles.side}>
          <Aside title="Level">
            <LevelChoice type={eventType} />
          </Aside>
          <Aside title="Traffic">
            <Traffic traffic={about.traffic} />
          </Aside>
          <Aside title="Subscriptions">
            <Subscribers subscribers={about.subscribers} />
          </Aside>
          <Aside title="Versions">
            <Versions name={name} versions={versions} shown={documentation?.version ?? 0} />
          </Aside>
        </div>
      </div>
    </Page>
  );
}

function Aside({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className={styles.aside}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function EventsLink({ name }: { name: string }) {
  return (
    <Link to="/events" search={({ tenant }) => ({ tenant, types: name })} className={buttonClass()}>
      <Icon name="events" /> Events
    </Link>
  );
}

function Missing({ name, cause, onRetry }: { name: string; cause: unknown; onRetry: () => void }) {
  if (readFault(cause).code !== Code.NotFound) {
    return (
      <ErrorState title="The event type could not be loaded" cause={cause} onRetry={onRetry} />
    );
  }
  return (
    <EmptyState title="No such event type">
      <p>
        <code>{name}</code> has no schema on this server. Events of that type may still exist:{" "}
        <EventsLink name={name} />
      </p>
      <p>
        <Link to="/event-types" search={({ tenant }) => ({ tenant })}>
          All event types
        </Link>
      </p>
    </EmptyState>
  );
}
