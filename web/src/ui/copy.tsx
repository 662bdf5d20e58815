import { useEffect, useState } from "react";
import { Button } from "./button";

/** Copies the text, and says so. */
export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [outcome, setOutcome] = useState<"copied" | "failed">();
  useEffect(() => {
    if (!outcome) return;
    const timer = setTimeout(() => setOutcome(undefined), 2000);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = () =>
    writeClipboard(text).then(
      () => setOutcome("copied"),
      () => setOutcome("failed"),
    );
  return (
    <>
      <Button kind="quiet" icon={outcome === "copied" ? "check" : "copy"} onClick={copy}>
        {outcome === "copied" ? "Copied" : outcome === "failed" ? "Copying failed" : label}
      </Button>
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
