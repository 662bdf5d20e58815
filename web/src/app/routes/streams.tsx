import { StreamsPage } from "@/features/streams/streams-page";
import { OverviewTabs } from "../overview-tabs";

export function StreamsRoute() {
  return <StreamsPage tabs={<OverviewTabs />} />;
}
