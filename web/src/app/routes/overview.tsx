import { getRouteApi } from "@tanstack/react-router";
import { OverviewPage } from "@/features/overview/overview-page";
import { OverviewTabs } from "../overview-tabs";
import { useTitle } from "../title";

const overview = getRouteApi("/overview");

export function OverviewRoute() {
  useTitle("Overview");
  const { span } = overview.useSearch();
  return <OverviewPage span={span} tabs={<OverviewTabs />} />;
}
