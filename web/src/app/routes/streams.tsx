import { StreamsPage } from "@/features/streams/streams-page";
import { OverviewTabs } from "../overview-tabs";
import { useTitle } from "../title";

export function StreamsRoute() {
  useTitle("Live streams", "Overview");
  return <StreamsPage tabs={<OverviewTabs />} />;
}
