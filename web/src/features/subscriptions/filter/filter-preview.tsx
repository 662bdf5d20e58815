import { Code } from "@connectrpc/connect";
import type {
  FilterProblem,
  FilterResult,
  TestFilterResponse,
} from "#gen/postrider/v1/subscription_pb";
import { readFault, sentence } from "@/rpc/fault";
import type { Status } from "@/theme/status";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { clsx } from "@/ui/clsx";
import { EventType } from "@/ui/event-type";
import { clock, rfc3339 } from "@/ui/format/time";
import styles from "./filter-editor.module.css";
import { applySuggestion, groupProblems } from "./problems";
import { testedEvents, type useFilterTest } from "./queries";

/** The maximum number of types that are listed because the expression does not compile for them. */
const namedTypes = 3;

interface Props {
  expression: string;
  test: ReturnType<typeof useFilterTest>;
  onChange: (expression: string) => void;
}

/** What a filter makes of the newest events, or why it does not compile. */
export function FilterPreview({ expression, test, onChange }: Props) {
  const { query, isCurrent } = test;
  const { problems = [], results = [] } = query.isError ? {} : (query.data ?? {});
  return (
    <section
      className={clsx(styles.test, !isCurrent && styles.stale)}
      aria-label="Preview of the filter"
    >
      <h2 className={styles.title}>What it selects</h2>
      <Problems expression={expression} problems={problems} onChange={onChange} />
      <p className={styles.summary} role="status">
        {query.isError ? failure(query.error) : summary(query.data, problems, results)}
      </p>
      {results.length > 0 && (
        <section className={styles.results} aria-label="Newest events" tabIndex={0}>
          <ol>
            {results.map((result) => (
              <Result key={result.eventId} result={result} />
            ))}
          </ol>
        </section>
      )}
    </section>
  );
}

function failure(cause: unknown): string {
  const { code, message } = readFault(cause);
  if (code === Code.InvalidArgument) return "There is no preview while the filter is not complete.";
  return `There is no preview: ${message}`;
}

function Problems(props: {
  expression: string;
  problems: FilterProblem[];
  onChange: (expression: string) => void;
}) {
  const { expression, problems, onChange } = props;
  return (
    <ul>
      {groupProblems(problems).map(({ problem, types }) => (
        <li
          key={`${problem.line}:${problem.column} ${problem.message}`}
          className={styles.problem}
          data-partial={types.length > 0 || undefined}
        >
          <span className={styles.place}>
            {problem.line}:{problem.column}
          </span>
          <span>{sentence(problem.message)}</span>
          {problem.suggestion && (
            <Button
              className={styles.mend}
              onClick={() => onChange(applySuggestion(expression, problem))}
            >
              Write {problem.suggestion}
            </Button>
          )}
          {types.length > 0 && (
            <span className={styles.types}>It selects no events of {listed(types)}.</span>
          )}
        </li>
      ))}
    </ul>
  );
}

/** The first few, and how many more there are. */
function listed(types: string[]): string {
  const rest = types.length - namedTypes;
  const shown = types.slice(0, namedTypes).join(", ");
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}

function summary(
  tested: TestFilterResponse | undefined,
  problems: FilterProblem[],
  results: FilterResult[],
): string {
  if (!tested) return "Testing it on the newest events.";
  if (problems.some(({ type }) => type === "")) return "It selects nothing while this is wrong.";
  if (results.length === 0) return "No event of these types is stored yet to try it on.";
  const matched = results.filter((result) => result.matched).length;
  const among =
    results.length < testedEvents ? `all ${results.length}` : `the newest ${results.length}`;
  return `It selects ${matched} of ${among} events of these types.`;
}

const selected: Status = { tone: "good", label: "Selected", hint: "The filter selects it." };
const passedOver: Status = { tone: "idle", label: "Not", hint: "The filter does not select it." };

function Result({ result }: { result: FilterResult }) {
  const { eventId, eventType, acceptTime, matched, reason } = result;
  return (
    <li className={styles.result}>
      <Badge status={matched ? selected : passedOver} />
      {acceptTime ? (
        <time dateTime={rfc3339(acceptTime)}>{clock(acceptTime)}</time>
      ) : (
        <code>{eventId}</code>
      )}
      <span className={styles.what}>
        <EventType name={eventType} />
        {reason && <span className={styles.reason}>{reason}</span>}
      </span>
    </li>
  );
}
