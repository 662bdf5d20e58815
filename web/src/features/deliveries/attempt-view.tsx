import type { Attempt, AttemptRequest, AttemptResponse } from "#gen/postrider/v1/delivery_pb";
import { causeLabel, outcomeStatus } from "@/theme/status";
import { Badge } from "@/ui/badge";
import { milliseconds, shortDuration } from "@/ui/format/duration";
import { JsonView } from "@/ui/json/json-view";
import { Instant } from "@/ui/time";
import styles from "./attempt-view.module.css";
import { TimingBar } from "./timing-bar";

/** One try: what was sent, what came back, and where the time went. */
export function AttemptView({ attempt, isOpen }: { attempt: Attempt; isOpen: boolean }) {
  return (
    <details className={styles.attempt} open={isOpen}>
      <summary className={styles.summary}>
        <span className={styles.number}>#{attempt.number}</span>
        <Badge status={outcomeStatus[attempt.outcome]} />
        {attempt.response && <code>{attempt.response.statusCode}</code>}
        <span>{causeLabel[attempt.cause]}</span>
        <span className={styles.when}>
          <Instant time={attempt.startTime} />
          {attempt.duration && `, ${shortDuration(milliseconds(attempt.duration))}`}
        </span>
      </summary>
      <div className={styles.body}>
        {attempt.error && <p className={styles.error}>{attempt.error}</p>}
        <TimingBar attempt={attempt} />
        {attempt.request ? (
          <RequestView request={attempt.request} address={attempt.address} />
        ) : (
          <p>The request is not recorded: the subscription has changed since.</p>
        )}
        {attempt.response && <ResponseView response={attempt.response} />}
      </div>
    </details>
  );
}

function RequestView({ request, address }: { request: AttemptRequest; address: string }) {
  return (
    <section className={styles.part} aria-label="Request">
      <h3>Request</h3>
      <p className={styles.target}>
        <code>
          {request.method} {request.url}
        </code>
        {address && <span className={styles.address}> at {address}</span>}
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
      {request.body ? (
        <JsonView text={request.body} label="Request body" />
      ) : (
        <p>
          The same body as in the newest attempt, {Number(request.bodyBytes).toLocaleString("en")}{" "}
          bytes.
        </p>
      )}
    </section>
  );
}

function ResponseView({ response }: { response: AttemptResponse }) {
  return (
    <section className={styles.part} aria-label="Response">
      <h3>
        Response <code>{response.statusCode}</code>
        {response.contentType && <span className={styles.address}> {response.contentType}</span>}
      </h3>
      {response.body !== "" && (
        <JsonView
          text={response.body}
          label={response.bodyTruncated ? "Response body, its beginning" : "Response body"}
        />
      )}
      {response.body === "" && <p className={styles.address}>without a body</p>}
    </section>
  );
}
