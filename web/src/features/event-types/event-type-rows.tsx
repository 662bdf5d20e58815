import { useNavigate, useRouter } from "@tanstack/react-router";
import { type MouseEvent, memo, useCallback } from "react";
import type { EventType as Type } from "#gen/postrider/v1/event_type_pb";
import { levelStatus } from "@/theme/status";
import { Badge } from "@/ui/badge";
import { clsx } from "@/ui/clsx";
import { EventType } from "@/ui/event-type";
import { narrow, useMedia } from "@/ui/media";
import { isPlainClick, rowLinkClass } from "@/ui/row-link";
import { Ago } from "@/ui/time";
import { VirtualList } from "@/ui/virtual-list";
import { deprecated } from "./deprecated";
import styles from "./event-type-rows.module.css";
import { isPart } from "./list";

const columns = ["Type", "Level", "Version", "Changed"];

/** Five hundred rows cost no more than a screenful. */
export function EventTypeRows({ rows }: { rows: readonly Type[] }) {
  const isCards = useMedia(narrow);
  const { query, open } = useRowLink();
  return (
    <VirtualList
      rows={rows}
      rowKey={({ name }) => name}
      rowHeight={isCards ? 96 : 52}
      label="Event types"
      columns={columns}
      isCards={isCards}
      layout={styles.row}
      rowClassName={() => styles.entry}
    >
      {(type) => <Cells type={type} query={query} onOpen={open} />}
    </VirtualList>
  );
}

/** Plain anchors: the router's own link works out its target at every render. */
function useRowLink() {
  const router = useRouter();
  const navigate = useNavigate();
  const search = ({ tenant }: { tenant?: string }) => ({ tenant });
  const query = router.buildLocation({ to: "/event-types", search }).searchStr;
  const open = useCallback(
    (event: MouseEvent<HTMLAnchorElement>) => {
      if (!isPlainClick(event)) return;
      event.preventDefault();
      const name = event.currentTarget.dataset.row ?? "";
      void navigate({
        to: "/event-types/$name",
        params: { name },
        search: ({ tenant }: { tenant?: string }) => ({ tenant }),
      });
    },
    [navigate],
  );
  return { query, open };
}

const Cells = memo(function Cells(props: {
  type: Type;
  query: string;
  onOpen: (event: MouseEvent<HTMLAnchorElement>) => void;
}) {
  const { type, query, onOpen } = props;
  return (
    <>
      <span role="rowheader" className={styles.about}>
        <span className={styles.title}>
          <a
            href={`/event-types/${encodeURIComponent(type.name)}${query}`}
            onClick={onOpen}
            className={clsx(rowLinkClass, styles.name)}
            data-row={type.name}
          >
            <EventType name={type.name} />
          </a>
          {type.deprecated && <Badge status={deprecated} />}
        </span>
        <span className={styles.description}>{aboutText(type)}</span>
      </span>
      <span role="cell" className={styles.level}>
        <Badge status={levelStatus[type.level]} />
      </span>
      <span role="cell" className={styles.version} data-label="version">
        {type.latestVersion}
      </span>
      <span role="cell" className={styles.changed} data-label="changed">
        <Ago time={type.updateTime ?? type.createTime} />
      </span>
    </>
  );
});

function aboutText(type: Type): string {
  const [first = "", ...more] = type.partOf;
  if (!isPart(type)) return firstSentence(type.description);
  return `Part of ${first}${more.length > 0 ? " and others" : ""}. ${firstSentence(type.description)}`;
}

/** The list has room for one. */
function firstSentence(text: string): string {
  return /^[\s\S]*?[.!?](?=\s|$)/.exec(text)?.[0] ?? text;
}
