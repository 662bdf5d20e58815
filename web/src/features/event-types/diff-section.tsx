import { Link, useNavigate } from "@tanstack/react-router";
import type {
  DiffEventTypeResponse,
  EventTypeVersion,
  Incompatibility,
  SchemaChange,
} from "#gen/postrider/v1/event_type_pb";
import { changeStatus } from "@/theme/status";
import { Badge } from "@/ui/badge";
import { Select } from "@/ui/field";
import { ErrorState, Notice, Skeleton } from "@/ui/states";
import { Ago } from "@/ui/time";
import styles from "./event-type-page.module.css";
import { useDiff } from "./queries";

interface Props {
  name: string;
  /** Newest first. */
  versions: EventTypeVersion[];
  /** 0 means the newest version and the one before it. */
  diff: { from: number; to: number };
}

const changesId = "changes";

/** The versions of a type, newest first. */
export function Versions(props: {
  name: string;
  versions: EventTypeVersion[];
  /** Whose documentation is shown. */
  shown: number;
}) {
  const { name, versions, shown } = props;
  return (
    <>
      <ol className={styles.list}>
        {versions.map((version) => (
          <Version
            key={version.version}
            name={name}
            version={version}
            isShown={version.version === shown}
          />
        ))}
      </ol>
      {versions.length > 1 && <a href={`#${changesId}`}>What changed</a>}
    </>
  );
}

/** What changed between two versions; nothing while there is only one. */
export function Changes({ name, versions, diff }: Props) {
  const to = diff.to || (versions[0]?.version ?? 0);
  const from = diff.from || Math.max(1, to - 1);
  if (versions.length < 2) return null;
  return (
    <section aria-label="Changes" id={changesId} className={styles.changes}>
      <header className={styles.pairHead}>
        <h2>Changes</h2>
        <Pair versions={versions} from={from} to={to} />
      </header>
      <Diff name={name} from={from} to={to} />
    </section>
  );
}

function Version(props: { name: string; version: EventTypeVersion; isShown: boolean }) {
  const { name, version, isShown } = props;
  return (
    <li className={styles.version} aria-current={isShown || undefined}>
      <span>
        <Link
          to="/event-types/$name"
          params={{ name }}
          search={(search) => ({ ...search, version: String(version.version) })}
        >
          Version {version.version}
        </Link>{" "}
        {version.jsonSchemaPath && (
          <a href={version.jsonSchemaPath} className={styles.note}>
            JSON Schema
          </a>
        )}
      </span>
      <Ago time={version.createTime} />
    </li>
  );
}

function Pair(props: { versions: EventTypeVersion[]; from: number; to: number }) {
  const { versions, from, to } = props;
  const navigate = useNavigate();
  const go = (change: { from?: string; to?: string }) =>
    void navigate({
      to: ".",
      search: (search) => ({ ...search, from: String(from), to: String(to), ...change }),
      replace: true,
    });
  const options = versions.map(({ version }) => (
    <option key={version} value={version}>
      {version}
    </option>
  ));
  return (
    <div className={styles.pair}>
      from
      <Select aria-label="From version" value={from} onChange={(e) => go({ from: e.target.value })}>
        {options}
      </Select>
      to
      <Select aria-label="To version" value={to} onChange={(e) => go({ to: e.target.value })}>
        {options}
      </Select>
    </div>
  );
}

function Diff({ name, from, to }: { name: string; from: number; to: number }) {
  const query = useDiff(name, from, to);
  if (query.isError) {
    return (
      <ErrorState
        title="The versions could not be compared"
        cause={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  }
  if (!query.data) return <Skeleton rows={3} label="Comparing the versions" />;
  return <Differences diff={query.data} />;
}

function Differences({ diff: { changes, incompatibilities } }: { diff: DiffEventTypeResponse }) {
  if (changes.length === 0 && incompatibilities.length === 0) {
    return <p>No change that readers or producers would notice.</p>;
  }
  return (
    <>
      {incompatibilities.length > 0 && <Incompatible list={incompatibilities} />}
      <ul className={styles.differences}>
        {changes.map((change) => (
          <Change key={`${change.element} ${change.kind} ${change.before}`} change={change} />
        ))}
      </ul>
    </>
  );
}

function Incompatible({ list }: { list: Incompatibility[] }) {
  return (
    <Notice tone="warn">
      <p>These changes break readers or producers of the older version:</p>
      <ul>
        {list.map(({ element, rule, message }) => (
          <li key={`${element} ${rule}`}>
            <code>{element}</code>: {message}
          </li>
        ))}
      </ul>
    </Notice>
  );
}

function Change({ change }: { change: SchemaChange }) {
  return (
    <li className={styles.change}>
      <header>
        <Badge status={changeStatus[change.kind]} /> <code>{change.element}</code>
      </header>
      <div className={styles.sides}>
        {change.before && <del className={styles.before}>{change.before}</del>}
        {change.after && <ins className={styles.after}>{change.after}</ins>}
      </div>
    </li>
  );
}
