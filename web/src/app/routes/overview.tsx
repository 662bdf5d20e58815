import { getRouteApi } from "@tanstack/react-router";
import { OverviewPage } from "@/features/overview/overview-page";
import { OverviewTabs } from "../overview-tabs";
import { useTitle } from "../title";

const overview = getRouteApi("/overview");

export function OverviewRoute() {
  useTitle("Overview");
  const { span, start } = overview.useSearch();
  return <OverviewPage span={span} asksForStart={start !== undefined} tabs={<OverviewTabs />} />;
}
