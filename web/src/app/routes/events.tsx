import { getRouteApi, Outlet, useParams } from "@tanstack/react-router";
import { DeliveryList } from "@/features/deliveries/delivery-list";
import { EventDetail } from "@/features/events/event-detail";
import { EventsPage } from "@/features/events/events-page";
import { useEvent } from "@/features/events/queries";
import { useTitle } from "../title";

const events = getRouteApi("/events");
const event = getRouteApi("/events/$eventId");

export function EventsRoute() {
  const search = events.useSearch();
  const { eventId } = useParams({ strict: false });
  const { data } = useEvent(eventId);
  useTitle(data?.event?.type, "Events");
  return (
    <EventsPage search={search} selectedId={eventId}>
      <Outlet />
    </EventsPage>
  );
}

export function EventRoute() {
  const { eventId } = event.useParams();
  const { delivery } = event.useSearch();
  return (
    <EventDetail id={eventId}>
      <DeliveryList
        key={eventId}
        eventId={eventId}
        openId={delivery}
        empty="No subscription has a delivery of this event."
      />
    </EventDetail>
  );
}
