import {
  type CSSProperties,
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useState,
} from "react";
import { clsx } from "./clsx";
import styles from "./split.module.css";

/** Up to this width the second part covers the first. */
export const covering = "(max-width: 1080px)";

/** The second part's share of the width, in percent. */
const least = 25;
const most = 70;
const usual = 44;
const step = 2;

interface Props {
  /** Under which the share is remembered in this browser. */
  name: string;
  /** Of the separator. */
  label: string;
  /** The list. */
  children: ReactNode;
  /** What is beside it; nothing while there is none. */
  detail: ReactNode;
  className?: string | undefined;
}

/**
 * Two parts side by side. The line between them is moved by mouse, touch and keyboard. On a narrow screen the second part
 * covers the first.
 */
export function Split({ name, label, children, detail, className }: Props) {
  const [share, setShare] = useState(() => remembered(name));
  const isSplit = Boolean(detail);
  const move = (to: number, isFinal: boolean) => {
    const next = clamp(to);
    setShare(next);
    if (isFinal) remember(name, next);
  };
  return (
    <div
      className={clsx(styles.split, isSplit && styles.open, className)}
      style={{ "--share": `${share}%` } as CSSProperties}
    >
      {children}
      {isSplit && <Separator label={label} share={share} onMove={move} />}
      {detail}
    </div>
  );
}

interface SeparatorProps {
  label: string;
  share: number;
  onMove: (to: number, isFinal: boolean) => void;
}

function Separator({ label, share, onMove }: SeparatorProps) {
  const keys: Record<string, number> = {
    ArrowLeft: share + step,
    ArrowRight: share - step,
    Home: most,
    End: least,
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = keys[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    onMove(to, true);
  };
  const follow = (event: PointerEvent<HTMLElement>, isFinal: boolean) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const box = event.currentTarget.parentElement?.getBoundingClientRect();
    if (box) onMove(((box.right - event.clientX) / box.width) * 100, isFinal);
  };
  return (
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={Math.round(share)}
      aria-valuemin={least}
      aria-valuemax={most}
      aria-valuetext={`${Math.round(share)} %`}
      title="Drag, or use the arrow keys; double-click for the usual width"
      tabIndex={0}
      className={styles.separator}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => follow(event, false)}
      onPointerUp={(event) => follow(event, true)}
      onDoubleClick={() => onMove(usual, true)}
    />
  );
}

function clamp(share: number): number {
  return Math.min(most, Math.max(least, share));
}

function keyOf(name: string): string {
  return `postrider.split.${name}`;
}

function remembered(name: string): number {
  try {
    const stored = Number.parseFloat(localStorage.getItem(keyOf(name)) ?? "");
    return Number.isFinite(stored) ? clamp(stored) : usual;
  } catch {
    return usual;
  }
}

function remember(name: string, share: number): void {
  try {
    localStorage.setItem(keyOf(name), share.toFixed(1));
  } catch {
    // Storage is blocked: the share holds until the page is closed.
  }
}
