import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { useAccess } from "@/rpc/session";
import type { Tone } from "@/theme/status";
import { Dot } from "@/ui/badge";
import { buttonClass } from "@/ui/button";
import { clsx } from "@/ui/clsx";
import { Input, Select } from "@/ui/field";
import { countText } from "@/ui/format/number";
import { Icon } from "@/ui/icon";
import { moveRowFocus, useShortcuts } from "@/ui/shortcuts";
import { EmptyState, ErrorState, Notice, Skeleton } from "@/ui/states";
import { type Group, groups } from "./condition";
import {
  listSubscriptions,
  readGroup,
  type SubscriptionList,
  type SubscriptionSearch,
} from "./list";
import { useSubscriptions } from "./queries";
import { SubscriptionRows } from "./subscription-rows";
import styles from "./subscriptions-page.module.css";

const searchId = "subscription-search";

/** Every subscription with its health, what needs somebody first. */
export function SubscriptionsPage({ search }: { search: SubscriptionSearch }) {
  const { isAdmin, isServerScoped } = useAccess();
  const ofAll = isServerScoped && search.tenants === "all";
  const { query, subscriptions, isCut } = useSubscriptions(ofAll);
  const { q, state } = search;
  const list = useMemo(
    () => listSubscriptions(subscriptions, { q, state }, Date.now()),
    [subscriptions, q, state],
  );
  useShortcuts({
    j: () => moveRowFocus(1),
    k: () => moveRowFocus(-1),
    "/": () => document.getElementById(searchId)?.focus(),
  });
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>Subscriptions</h1>
        {(subscriptions.length > 0 || isServerScoped) && (
          <Filters search={search} list={list} ofAll={ofAll} />
        )}
        {isAdmin && (
          <div className={styles.actions}>
            <NewLink />
          </div>
        )}
      </header>
      <div className={styles.body}>
        {query.isPending && <Skeleton rows={8} label="Loading subscriptions" />}
        {query.isError && !query.data && (
          <ErrorState
            title="Subscriptions could not be loaded"
            cause={query.error}
            onRetry={() => void query.refetch()}
          />
        )}
        {query.data && subscriptions.length === 0 && <NoSubscriptions />}
        {subscriptions.length > 0 && list.shown.length === 0 && <NoneFound />}
        {isCut && (
          <Notice tone="warn">
            These are the first {countText(subscriptions.length)} subscriptions. Choose a tenant to
            see all of its own.
          </Notice>
        )}
        {list.shown.length > 0 && <SubscriptionRows rows={list.shown} ofAll={ofAll} />}
      </div>
    </div>
  );
}

const labels: Record<Group, [label: string, tone: Tone]> = {
  failing: ["Failing", "bad"],
  held: ["Held", "warn"],
  paused: ["Paused", "idle"],
  disabled: ["Disabled", "bad"],
  healthy: ["Healthy", "good"],
};

/** Every change goes to the URL, so that a link keeps it. */
function Filters(props: { search: SubscriptionSearch; list: SubscriptionList; ofAll: boolean }) {
  const { search, list, ofAll } = props;
  const { isServerScoped } = useAccess();
  const navigate = useNavigate();
  const [words, setWords] = useState(search.q ?? "");
  // Back, forward and links change the URL from outside.
  useEffect(() => setWords(search.q ?? ""), [search.q]);
  const go = (change: SubscriptionSearch) =>
    void navigate({ to: ".", search: (before) => ({ ...before, ...change }), replace: true });
  const chosen = readGroup(search.state);
  return (
    <search className={styles.filters}>
      <Input
        id={searchId}
        type="search"
        aria-label={`Search by name, ${ofAll ? "tenant, " : ""}type or target`}
        placeholder={ofAll ? "Name, tenant, type or target" : "Name, type or target"}
        className={styles.search}
        value={words}
        onChange={({ target }) => {
          setWords(target.value);
          go({ q: target.value || undefined });
        }}
      />
      {isServerScoped && (
        <Select
          aria-label="Subscriptions of"
          className={styles.tenants}
          value={ofAll ? "all" : ""}
          onChange={({ target }) => go({ tenants: target.value || undefined })}
        >
          <option value="">This tenant</option>
          <option value="all">All tenants</option>
        </Select>
      )}
      <fieldset className={styles.groups} aria-label="State of the subscriptions">
        <Choice
          label="All"
          count={list.found}
          isChosen={!chosen}
          onChoose={() => go({ state: undefined })}
        />
        {groups.map((group) => (
          <Choice
            key={group}
            label={labels[group][0]}
            tone={labels[group][1]}
            count={list.counts[group]}
            isChosen={chosen === group}
            onChoose={() => go({ state: group })}
          />
        ))}
      </fieldset>
    </search>
  );
}

function Choice(props: {
  label: string;
  tone?: Tone;
  count: number;
  isChosen: boolean;
  onChoose: () => void;
}) {
  const { label, tone, count, isChosen, onChoose } = props;
  return (
    <button
      type="button"
      aria-pressed={isChosen}
      className={clsx(styles.group, isChosen && styles.chosen)}
      onClick={onChoose}
    >
      {tone && <Dot status={{ tone, label, hint: label }} />}
      {label} <span className={styles.count}>{countText(count)}</span>
    </button>
  );
}

function NewLink() {
  return (
    <Link
      to="/subscriptions/new"
      search={({ tenant }) => ({ tenant })}
      className={buttonClass("main")}
    >
      <Icon name="plus" /> New subscription
    </Link>
  );
}

function NoneFound() {
  return (
    <EmptyState title="No subscription is like this">
      <p>
        <Link to="/subscriptions" search={({ tenant }) => ({ tenant })}>
          Show all
        </Link>
      </p>
    </EmptyState>
  );
}

function NoSubscriptions() {
  const { isAdmin } = useAccess();
  return (
    <EmptyState title="No subscriptions yet">
      <p>
        A subscription defines which events are delivered where: a filter such as{" "}
        <code>order.*</code>, and the URL of a webhook. Each event is sent there as a signed POST
        request, and retried until it is delivered or dead.
      </p>
      {isAdmin && (
        <p>
          <NewLink />
        </p>
      )}
    </EmptyState>
  );
}
