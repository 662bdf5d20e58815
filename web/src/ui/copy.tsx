import { useEffect, useState } from "react";
import { Button, IconButton } from "./button";

interface Props {
  /** A function where the text is costly to write. */
  text: string | (() => string);
  label?: string;
  /** Shown as a mere icon under this name, for places where the word would be one too many. */
  iconLabel?: string;
}

/** Copies the text, and says so. */
export function CopyButton({ text, label = "Copy", iconLabel }: Props) {
  const [outcome, setOutcome] = useState<"copied" | "failed">();
  useEffect(() => {
    if (!outcome) return;
    const timer = setTimeout(() => setOutcome(undefined), 2000);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = () =>
    writeClipboard(typeof text === "string" ? text : text()).then(
      () => setOutcome("copied"),
      () => setOutcome("failed"),
    );
  const icon = outcome === "copied" ? "check" : outcome === "failed" ? "warning" : "copy";
  return (
    <>
      {iconLabel ? (
        <IconButton icon={icon} label={iconLabel} onClick={copy} />
      ) : (
        <Button kind="quiet" icon={icon} onClick={copy}>
          {outcome === "copied" ? "Copied" : outcome === "failed" ? "Copying failed" : label}
        </Button>
      )}
      <span className="visually-hidden" aria-live="polite">
        {outcome === "copied" && "Copied to the clipboard"}
      </span>
    </>
  );
}

/** navigator.clipboard exists only on https and localhost; a console on a LAN address has neither. */
async function writeClipboard(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("copying was refused");
}
