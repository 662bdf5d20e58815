import {
  type Attempt,
  AttemptBodyState,
  AttemptOutcome,
  type AttemptRequest,
  type AttemptResponse,
} from "#gen/postrider/v1/delivery_pb";
import { causeLabel, outcomeStatus } from "@/theme/status";
import { Badge } from "@/ui/badge";
import { milliseconds, shortDuration } from "@/ui/format/duration";
import { JsonView } from "@/ui/json/json-view";
import { Instant } from "@/ui/time";
import styles from "./attempt-view.module.css";
import { statusText } from "./status-text";
import { TimingBar } from "./timing-bar";

/** One try: what was sent, what came back, and where the time went. */
export function AttemptView({ attempt, isOpen }: { attempt: Attempt; isOpen: boolean }) {
  const hasFailed = attempt.outcome !== AttemptOutcome.DELIVERED;
  const response = attempt.response && (
    <ResponseView response={attempt.response} attempt={attempt} />
  );
  return (
    <details className={styles.attempt} open={isOpen}>
      <summary className={styles.summary}>
        <span className={styles.number}>#{attempt.number}</span>
        <Badge status={outcomeStatus[attempt.outcome]} />
        {attempt.response && <code>{statusText(attempt.response)}</code>}
        <span>{causeLabel[attempt.cause]}</span>
        <span className={styles.when}>
          <Instant time={attempt.startTime} />
          {attempt.duration && `, ${shortDuration(milliseconds(attempt.duration))}`}
        </span>
      </summary>
      <div className={styles.body}>
        {attempt.error && <p className={styles.error}>{attempt.error}</p>}
        {/* Where it failed, what came back is the first thing to read. */}
        {hasFailed && response}
        <TimingBar attempt={attempt} />
        {attempt.request ? (
          <RequestView request={attempt.request} attempt={attempt} />
        ) : (
          <p>The request was not recorded.</p>
        )}
        {!hasFailed && response}
      </div>
    </details>
  );
}

/** Several attempts may be open, so their regions are named with the number. */
const named = (part: string, attempt: Attempt) => `${part} of attempt ${attempt.number}`;

function RequestView({ request, attempt }: { request: AttemptRequest; attempt: Attempt }) {
  return (
    <section className={styles.part} aria-label={named("Request", attempt)}>
      <h3>Request</h3>
      <p className={styles.target}>
        <code>
          {request.method} {request.url}
        </code>
        {attempt.address && <span className={styles.address}> at {attempt.address}</span>}
      </p>
      {request.headers.length > 0 && (
        <dl className={styles.headers}>
          {request.headers.map(({ name, value }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a header may be sent twice, and the list never changes.
            <div key={index}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      <RequestBody request={request} attempt={attempt} />
    </section>
  );
}

/** Bodies are not stored: the event is rendered again, and shown where it gives what was sent. */
function RequestBody({ request, attempt }: { request: AttemptRequest; attempt: Attempt }) {
  if (request.bodyState === AttemptBodyState.SHOWN) {
    return (
      <JsonView text={request.body} label="Request body" name={named("Request body", attempt)} />
    );
  }
  if (request.bodyState === AttemptBodyState.NOT_SENT) {
    return <p>Nothing was sent: there was no connection.</p>;
  }
  const size = `${Number(request.bodyBytes).toLocaleString("en")} bytes`;
  if (request.bodyState === AttemptBodyState.REPEATED) {
    return <p>The body is the same as in a newer attempt above, {size}.</p>;
  }
  return (
    <p>
      A body of {size}, SHA-256 <code>{request.bodyDigest}…</code>.{" "}
      {request.bodyState === AttemptBodyState.GONE
        ? "The event no longer exists, so its body cannot be shown."
        : "The event now renders to another body, so the original one cannot be shown."}
    </p>
  );
}

function ResponseView({ response, attempt }: { response: AttemptResponse; attempt: Attempt }) {
  return (
    <section className={styles.part} aria-label={named("Response", attempt)}>
      <h3>
        Response <code>{statusText(response)}</code>
        {response.contentType && <span className={styles.address}> {response.contentType}</span>}
      </h3>
      {response.body !== "" && (
        <JsonView
          text={response.body}
          label={response.bodyTruncated ? "Response body (first part)" : "Response body"}
          name={named("Response body", attempt)}
        />
      )}
      {response.body === "" && (
        <p className={styles.address}>
          {response.bodyTruncated ? "The response was cut off before its body." : "without a body"}
        </p>
      )}
    </section>
  );
}
