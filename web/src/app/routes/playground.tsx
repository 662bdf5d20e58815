import { getRouteApi } from "@tanstack/react-router";
import { PlaygroundPage } from "@/features/playground/playground-page";
import { useTitle } from "../title";

const playground = getRouteApi("/playground");

export function PlaygroundRoute() {
  const { type } = playground.useSearch();
  useTitle(type, "Playground");
  return <PlaygroundPage type={type} />;
}
