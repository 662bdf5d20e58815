import { Link } from "@tanstack/react-router";
import type { EventType as Type } from "#gen/postrider/v1/event_type_pb";
import { levelStatus } from "@/theme/status";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { EventType } from "@/ui/event-type";
import { Page } from "@/ui/page";
import { moveRowFocus, useShortcuts } from "@/ui/shortcuts";
import { CommandLine, EmptyState, ErrorState, Skeleton } from "@/ui/states";
import { tableClass } from "@/ui/table";
import { Ago } from "@/ui/time";
import styles from "./event-types-page.module.css";
import { useEventTypes } from "./queries";

/** Every event type that has a schema. */
export function EventTypesPage() {
  const query = useEventTypes();
  useShortcuts({ j: () => moveRowFocus(1), k: () => moveRowFocus(-1) });
  const types = query.data?.pages.flatMap((page) => page.eventTypes) ?? [];
  return (
    <Page title="Event types">
      {query.isPending && <Skeleton rows={6} label="Loading event types" />}
      {query.isError && !query.data && (
        <ErrorState
          title="Event types could not be loaded"
          cause={query.error}
          onRetry={() => void query.refetch()}
        />
      )}
      {query.data && types.length === 0 && <NoTypes />}
      {types.length > 0 && <Table types={types} />}
      {query.hasNextPage && (
        <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          Load more
        </Button>
      )}
    </Page>
  );
}

const marked = `import "postrider/v1/option.proto";

message OrderCreated {
  option (postrider.v1.event) = {};
  string order_id = 1;
}`;

function NoTypes() {
  return (
    <EmptyState title="No event types yet">
      <p>
        An event type is a name whose schema is a Protobuf message. Every event of the type is
        checked against the schema when it is published, and producers, filters and handlers are
        typed by it. Mark a message, and push the folder with your <code>.proto</code> files:
      </p>
      <pre className={styles.proto}>{marked}</pre>
      <CommandLine text={`postrider types push proto --server ${window.location.origin}`} />
      <p>Events whose type has no schema are stored and delivered, too.</p>
    </EmptyState>
  );
}

function Table({ types }: { types: Type[] }) {
  return (
    <table className={tableClass}>
      <thead>
        <tr>
          <th scope="col">Type</th>
          <th scope="col">Level</th>
          <th scope="col" data-number>
            Version
          </th>
          <th scope="col">Changed</th>
        </tr>
      </thead>
      <tbody>
        {types.map((type) => (
          <Row key={type.name} type={type} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ type }: { type: Type }) {
  return (
    <tr>
      <th scope="row" className={styles.about}>
        <Link
          to="/event-types/$name"
          params={{ name: type.name }}
          search={({ tenant }) => ({ tenant })}
          className={styles.name}
          data-row={type.name}
        >
          <EventType name={type.name} />
        </Link>
        {type.deprecated && <Badge status={deprecated}>Deprecated</Badge>}
        <span className={styles.description}>{firstSentence(type.description)}</span>
      </th>
      <td data-label="Level">
        <Badge status={levelStatus[type.level]} />
      </td>
      <td data-label="Version" data-number>
        {type.latestVersion}
      </td>
      <td data-label="Changed">
        <Ago time={type.updateTime ?? type.createTime} />
      </td>
    </tr>
  );
}

export const deprecated = {
  tone: "idle",
  label: "Deprecated",
  hint: "Events of this type are still accepted; producers should switch to another type.",
} as const;

/** The list has room for one. */
function firstSentence(text: string): string {
  return /^[\s\S]*?[.!?](?=\s|$)/.exec(text)?.[0] ?? text;
}
