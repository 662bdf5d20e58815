import {
  type ReactNode,
  type Ref,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { clsx } from "./clsx";
import styles from "./virtual-list.module.css";

/** Rows kept beyond both edges, so that a fast scroll shows no blank. */
const overscan = 6;
/** The distance from the end at which more rows are requested. */
const nearEnd = 20;

export interface VirtualListHandle {
  scrollToTop(): void;
  /** Brings the row into view, with as little movement as will do. */
  reveal(index: number): void;
}

interface Props<Row> {
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** In pixels; all rows have this height, so places are arithmetic and thousands of rows cost nothing. */
  rowHeight: number;
  children: (row: Row, index: number) => ReactNode;
  label: string;
  className?: string | undefined;
  columns: readonly string[];
  /** Rows are cards: the titles of the columns are read out, not seen. */
  isCards: boolean;
  /** The class of every row, that of the titles included: its columns are those of the grid. */
  layout: string | undefined;
  /** Further classes of a row. */
  rowClassName?: (row: Row) => string | undefined;
  footer?: ReactNode;
  onNearEnd?: () => void;
  /** Called when the list reaches its top or leaves it. */
  onTop?: (atTop: boolean) => void;
  /** Called with the rows in sight, from first up to end, when the rows or the place have changed. */
  onSight?: (first: number, end: number) => void;
  ref?: Ref<VirtualListHandle>;
}

/**
 * A scrolling table that draws only the rows in sight. Rows that arrive on top move nothing under the eye of someone who
 * has scrolled down: the scroll position follows the row that was first in sight.
 */
export function VirtualList<Row>(props: Props<Row>) {
  const { rows, rowKey, rowHeight, onNearEnd, onTop, onSight } = props;
  const box = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ top: 0, height: 800 });
  const anchor = useRef<{ key: string; index: number }>(undefined);

  const look = () => {
    const element = box.current;
    if (!element) return;
    setSight({ top: element.scrollTop, height: element.clientHeight || 800 });
    const first = Math.floor(element.scrollTop / rowHeight);
    const row = rows[first];
    anchor.current = element.scrollTop > 0 && row ? { key: rowKey(row), index: first } : undefined;
    onTop?.(element.scrollTop <= 0);
    const last = (element.scrollTop + element.clientHeight) / rowHeight;
    const end = Math.ceil((element.scrollTop + (element.clientHeight || 800)) / rowHeight);
    onSight?.(first, Math.min(rows.length, end));
    if (last > rows.length - nearEnd) onNearEnd?.();
  };

  // Only new rows, not every render, may move the list.
  // biome-ignore lint/correctness/useExhaustiveDependencies: look and rowKey are new at every render.
  useLayoutEffect(() => {
    const element = box.current;
    const was = anchor.current;
    if (element && was) {
      const now = rows.findIndex((row, index) => index >= was.index && rowKey(row) === was.key);
      if (now > was.index) element.scrollTop += (now - was.index) * rowHeight;
    }
    look();
  }, [rows, rowHeight]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const watch = new ResizeObserver(() =>
      setSight({ top: element.scrollTop, height: element.clientHeight || 800 }),
    );
    watch.observe(element);
    return () => watch.disconnect();
  }, []);

  useImperativeHandle(props.ref, () => ({
    scrollToTop: () => box.current?.scrollTo({ top: 0 }),
    reveal: (index) => {
      const element = box.current;
      if (!element) return;
      const top = index * rowHeight;
      const head = body.current?.offsetTop ?? 0;
      if (top < element.scrollTop) element.scrollTop = top;
      const bottom = top + rowHeight + head;
      if (bottom > element.scrollTop + element.clientHeight) {
        element.scrollTop = bottom - element.clientHeight;
      }
    },
  }));

  const first = Math.max(0, Math.floor(sight.top / rowHeight) - overscan);
  const end = Math.min(rows.length, Math.ceil((sight.top + sight.height) / rowHeight) + overscan);
  return (
    <div
      ref={box}
      className={clsx(styles.list, props.className)}
      onScroll={look}
      tabIndex={0}
      role="region"
      aria-label={`${props.label}, scrollable`}
    >
      <div role="table" aria-label={props.label} aria-rowcount={rows.length + 1}>
        <div role="rowgroup" className={props.isCards ? "visually-hidden" : styles.header}>
          <div role="row" aria-rowindex={1} className={clsx(styles.row, props.layout)}>
            {props.columns.map((title) => (
              <span key={title} role="columnheader">
                {title}
              </span>
            ))}
          </div>
        </div>
        <div
          ref={body}
          role="rowgroup"
          style={{ position: "relative", height: rows.length * rowHeight }}
        >
          {rows.slice(first, end).map((row, offset) => (
            <div
              key={rowKey(row)}
              role="row"
              aria-rowindex={first + offset + 2}
              className={clsx(styles.row, styles.entry, props.layout, props.rowClassName?.(row))}
              style={{
                position: "absolute",
                top: 0,
                insetInline: 0,
                height: rowHeight,
                transform: `translateY(${(first + offset) * rowHeight}px)`,
              }}
            >
              {props.children(row, first + offset)}
            </div>
          ))}
        </div>
      </div>
      {props.footer}
    </div>
  );
}
