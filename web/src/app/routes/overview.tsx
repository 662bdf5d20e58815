import { getRouteApi } from "@tanstack/react-router";
import { OverviewPage } from "@/features/overview/overview-page";
import { OverviewTabs } from "../overview-tabs";

const overview = getRouteApi("/overview");

export function OverviewRoute() {
  const { span } = overview.useSearch();
  return <OverviewPage span={span} tabs={<OverviewTabs />} />;
}
