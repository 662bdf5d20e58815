import { type ReactNode, useState } from "react";
import type { LiveStream } from "#gen/postrider/v1/stream_pb";
import { readFault } from "@/rpc/fault";
import { useAccess } from "@/rpc/session";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Actions, Dialog } from "@/ui/dialog";
import { countText } from "@/ui/format/number";
import { Page } from "@/ui/page";
import { EmptyState, ErrorState, Notice, Skeleton } from "@/ui/states";
import { tableClass } from "@/ui/table";
import { Ago } from "@/ui/time";
import { useDisconnect, useStreams } from "./queries";
import styles from "./streams-page.module.css";
import { holderText, policyName, streamStatus, transportName } from "./words";

/** The open live streams: their readers, their progress, and a button to disconnect them. */
export function StreamsPage({ tabs }: { tabs: ReactNode }) {
  const { open, live } = useStreams();
  const { streams, total = 0 } = open ?? {};
  const [ending, setEnding] = useState<LiveStream>();
  const isStill = live.kind === "reconnecting" || live.kind === "offline";
  return (
    <Page
      title="Overview"
      tabs={tabs}
      actions={isStill && <Notice tone="warn">No connection: the list is not updated</Notice>}
    >
      {live.kind === "failed" && (
        <ErrorState title="Live streams could not be loaded" cause={live.cause} />
      )}
      {!streams && live.kind !== "failed" && <Skeleton rows={4} label="Loading live streams" />}
      {streams?.size === 0 && <NoStreams />}
      {streams && streams.size > 0 && <Table streams={[...streams.values()]} onEnd={setEnding} />}
      {streams && total > streams.size && (
        <p className={styles.more}>
          The {countText(streams.size)} oldest of {countText(total)} are shown.
        </p>
      )}
      {ending && <DisconnectDialog stream={ending} onClose={() => setEnding(undefined)} />}
    </Page>
  );
}

function NoStreams() {
  return (
    <EmptyState title="No live streams">
      <p>
        A live stream sends events to a page or a program as they are published:{" "}
        <code>postrider tail</code>, the client packages, or an <code>EventSource</code> on{" "}
        <code>/v1/events/stream</code>. Open streams are shown here.
      </p>
    </EmptyState>
  );
}

function Table(props: { streams: LiveStream[]; onEnd: (stream: LiveStream) => void }) {
  const { isAdmin } = useAccess();
  return (
    <table className={tableClass}>
      <thead>
        <tr>
          <th scope="col">Who</th>
          <th scope="col">Events</th>
          <th scope="col">State</th>
          <th scope="col" data-number>
            Lag
          </th>
          <th scope="col" data-number>
            Sent
          </th>
          <th scope="col">Opened</th>
          <th scope="col">
            <span className="visually-hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {props.streams.map((stream) => (
          <Row key={stream.id} stream={stream} onEnd={isAdmin ? props.onEnd : undefined} />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  stream: LiveStream;
  onEnd: ((stream: LiveStream) => void) | undefined;
}

function Row({ stream, onEnd }: RowProps) {
  const holder = holderText(stream);
  return (
    <tr>
      <th scope="row">
        <span>{holder}</span>
        <span className={styles.about} title={stream.userAgent}>
          {transportName[stream.transport]}, <code>{stream.remoteAddress}</code> {stream.userAgent}
        </span>
      </th>
      <td data-label="Events" className={styles.filters}>
        <Filters stream={stream} />
      </td>
      <td data-label="State">
        <Badge status={streamStatus(stream)} />
        <span className={styles.about}>when slow: {policyName[stream.slowPolicy]}</span>
      </td>
      <td data-label="Lag" data-number title={stream.cursor && `at cursor ${stream.cursor}`}>
        {countText(Number(stream.lag))}
      </td>
      <td data-label="Sent" data-number>
        {countText(Number(stream.sent))}
        {stream.dropped > 0n && (
          <span className={styles.lost}>{countText(Number(stream.dropped))} dropped</span>
        )}
      </td>
      <td data-label="Opened">
        <Ago time={stream.openTime} />
      </td>
      <td className={styles.end}>
        {onEnd && (
          <Button
            kind="danger"
            aria-label={`Disconnect ${holder}, ${stream.remoteAddress}`}
            onClick={() => onEnd(stream)}
          >
            Disconnect
          </Button>
        )}
      </td>
    </tr>
  );
}

function Filters({ stream }: { stream: LiveStream }) {
  return (
    <>
      {stream.filters.map(({ name, types, expression }) => (
        <span key={name} className={styles.filter} title={expression}>
          {name && `${name}: `}
          <code>{types.join(", ") || "*"}</code>
          {expression && " with a condition"}
        </span>
      ))}
    </>
  );
}

function DisconnectDialog({ stream, onClose }: { stream: LiveStream; onClose: () => void }) {
  const { disconnect, isPending, isError, error } = useDisconnect();
  return (
    <Dialog title="Disconnect this stream?" onClose={onClose}>
      <p>
        {holderText(stream)} at <code>{stream.remoteAddress}</code> gets no more events on it. No
        stored event is lost. The client is told not to reconnect by itself; its user can open the
        stream again.
      </p>
      {isError && <Notice tone="bad">{readFault(error).message}</Notice>}
      <Actions>
        <Button onClick={onClose}>Keep it</Button>
        <Button kind="danger" busy={isPending} onClick={() => disconnect(stream.id, onClose)}>
          Disconnect
        </Button>
      </Actions>
    </Dialog>
  );
}
