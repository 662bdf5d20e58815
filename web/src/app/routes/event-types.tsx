import { getRouteApi } from "@tanstack/react-router";
import { useEffect } from "react";
import { EventTypePage } from "@/features/event-types/event-type-page";
import { EventTypesPage } from "@/features/event-types/event-types-page";
import { recentType } from "@/store/recent-type";
import { useTitle } from "../title";

const eventTypes = getRouteApi("/event-types");
const eventType = getRouteApi("/event-types/$name");

export function EventTypesRoute() {
  useTitle("Event types");
  return <EventTypesPage search={eventTypes.useSearch()} />;
}

export function EventTypeRoute() {
  const { name } = eventType.useParams();
  useTitle(name, "Event types");
  useEffect(() => recentType.set(name), [name]);
  const { version, from, to } = eventType.useSearch();
  return (
    <EventTypePage
      key={name}
      name={name}
      version={versionNumber(version)}
      diff={{ from: versionNumber(from), to: versionNumber(to) }}
    />
  );
}

/** A version in the URL; 0, which means the latest, if it is invalid. */
function versionNumber(text: string | undefined): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : 0;
}
