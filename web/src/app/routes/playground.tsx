import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { PlaygroundPage } from "@/features/playground/playground-page";
import { recentType } from "@/store/recent-type";
import { useTitle } from "../title";

const playground = getRouteApi("/playground");

/** Begins with the type of the URL, or else with the one that was looked at last. */
export function PlaygroundRoute() {
  const { type } = playground.useSearch();
  const [before] = useState(recentType.get);
  const shown = type ?? before;
  useTitle(shown, "Playground");
  useEffect(() => {
    if (type) recentType.set(type);
  }, [type]);
  return <PlaygroundPage type={shown} />;
}
