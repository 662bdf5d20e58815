import type { ButtonHTMLAttributes, MouseEvent, ReactNode } from "react";
import styles from "./button.module.css";
import { clsx } from "./clsx";
import { Icon, type IconName } from "./icon";

type Kind = "main" | "plain" | "quiet" | "danger";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: Kind;
  icon?: IconName;
  /** Something is under way: the button says so and does nothing, but keeps the focus. */
  busy?: boolean;
  children: ReactNode;
}

export function Button({ kind = "plain", icon, busy, children, className, ...props }: Props) {
  return (
    <button
      type="button"
      className={clsx(buttonClass(kind), className)}
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      {...props}
      onClick={busy ? refuse : props.onClick}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A busy button of a form does not send it once more. */
function refuse(event: MouseEvent): void {
  event.preventDefault();
}

/** The look of a button, for links that lead somewhere. */
export function buttonClass(kind: Kind = "plain"): string {
  return clsx(styles.button, styles[kind]);
}

/** A button that shows only an icon; its label is spoken and shown as a tooltip. */
export function IconButton({
  icon,
  label,
  className,
  ...props
}: { icon: IconName; label: string } & ButtonHTMLAttributes<HTMLButtonElement>) {
  return (
    <button
      type="button"
      className={clsx(styles.icon, className)}
      aria-label={label}
      title={label}
      {...props}
    >
      <Icon name={icon} />
    </button>
  );
}
