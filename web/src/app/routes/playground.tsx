import { getRouteApi } from "@tanstack/react-router";
import { PlaygroundPage } from "@/features/playground/playground-page";

const playground = getRouteApi("/playground");

export function PlaygroundRoute() {
  const { type } = playground.useSearch();
  return <PlaygroundPage type={type} />;
}
