import { useEffect } from "react";
import { visible } from "@/ui/jsx/visible";

/** Names the document, from the object that is shown to the product; parts that are not known yet are left out. */
export function useTitle(...parts: (string | undefined)[]): void {
  const title = titleOf(parts);
  useEffect(() => {
    document.title = title;
  }, [title]);
}

export function titleOf(parts: (string | undefined)[]): string {
  return visible([...parts, "Postrider"].filter(Boolean).join(" · "));
}
