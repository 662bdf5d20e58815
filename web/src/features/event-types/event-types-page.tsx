import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { useAccess } from "@/rpc/session";
import { Button } from "@/ui/button";
import { clsx } from "@/ui/clsx";
import { Input } from "@/ui/field";
import { countText } from "@/ui/format/number";
import { moveRowFocus, useShortcuts } from "@/ui/shortcuts";
import { EmptyState, ErrorState, Notice, Skeleton } from "@/ui/states";
import { EventTypeRows } from "./event-type-rows";
import styles from "./event-types-page.module.css";
import { listTypes, type TypeList, type TypeSearch } from "./list";
import { useEventTypes } from "./queries";
import { RegisterDialog, RegisterSteps } from "./register";

const searchId = "event-type-search";

/** Every event type that has a schema. */
export function EventTypesPage({ search }: { search: TypeSearch }) {
  const { isServerScoped, isAdmin } = useAccess();
  const query = useEventTypes();
  const [isRegistering, setRegistering] = useState(false);
  useShortcuts({
    j: () => moveRowFocus(1),
    k: () => moveRowFocus(-1),
    "/": () => document.getElementById(searchId)?.focus(),
  });
  const { q, parts } = search;
  const types = useMemo(
    () => query.data?.pages.flatMap((page) => page.eventTypes) ?? [],
    [query.data],
  );
  const list = useMemo(() => listTypes(types, { q, parts }), [types, q, parts]);
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>Event types</h1>
        {types.length > 0 && <Filters search={search} list={list} />}
        {types.length > 0 && isAdmin && isServerScoped && (
          <Button kind="main" icon="plus" onClick={() => setRegistering(true)}>
            Register types
          </Button>
        )}
      </header>
      <div className={styles.body}>
        {query.isPending && <Skeleton rows={8} label="Loading event types" />}
        {query.isError && !query.data && (
          <ErrorState
            title="Event types could not be loaded"
            cause={query.error}
            onRetry={() => void query.refetch()}
          />
        )}
        {query.isFetchNextPageError && (
          <Notice tone="bad">
            Not all types could be loaded.{" "}
            <Button onClick={() => void query.fetchNextPage()}>Try again</Button>
          </Notice>
        )}
        {query.data && types.length === 0 && <NoTypes />}
        {types.length > 0 && list.shown.length === 0 && <NoneFound list={list} />}
        {list.shown.length > 0 && <EventTypeRows rows={list.shown} />}
      </div>
      {isRegistering && <RegisterDialog onClose={() => setRegistering(false)} />}
    </div>
  );
}

/** Every change goes to the URL, so that a link keeps it. */
function Filters({ search, list }: { search: TypeSearch; list: TypeList }) {
  const navigate = useNavigate();
  const [words, setWords] = useState(search.q ?? "");
  // Back, forward and links change the URL from outside.
  useEffect(() => setWords(search.q ?? ""), [search.q]);
  const go = (change: TypeSearch) =>
    void navigate({ to: ".", search: (before) => ({ ...before, ...change }), replace: true });
  return (
    <search className={styles.filters}>
      <Input
        id={searchId}
        type="search"
        aria-label="Search by name or description"
        placeholder="Name or description"
        className={styles.search}
        value={words}
        onChange={({ target }) => {
          setWords(target.value);
          go({ q: target.value || undefined });
        }}
      />
      <span className={styles.count}>{listed(list)}</span>
      {(list.parts > 0 || search.parts) && (
        <button
          type="button"
          aria-pressed={search.parts !== undefined}
          className={clsx(styles.parts, search.parts && styles.chosen)}
          title="Messages that are registered, but are only used in the fields of other messages."
          onClick={() => go({ parts: search.parts ? undefined : "shown" })}
        >
          {partsText(list.parts)}
        </button>
      )}
    </search>
  );
}

function listed({ events }: TypeList): string {
  return events === 1 ? "1 event type" : `${countText(events)} event types`;
}

function partsText(count: number): string {
  return count === 1
    ? "1 message that is part of others"
    : `${countText(count)} messages that are parts of others`;
}

function NoneFound({ list: { parts } }: { list: TypeList }) {
  const navigate = useNavigate();
  return (
    <EmptyState title="No event type is like this">
      {parts > 0 && <p>{partsText(parts)} would be found.</p>}
      <p>
        <Button
          onClick={() =>
            void navigate({ to: "/event-types", search: ({ tenant }) => ({ tenant }) })
          }
        >
          Show all
        </Button>
      </p>
    </EmptyState>
  );
}

function NoTypes() {
  return (
    <EmptyState title="No event types yet">
      <p>
        An event type is a name whose schema is a Protobuf message. Every event of the type is
        checked against the schema when it is published, and producers, filters and handlers are
        typed by it. Events whose type has no schema are stored and delivered, too.
      </p>
      <RegisterSteps />
    </EmptyState>
  );
}
