import { Link } from "@tanstack/react-router";
import { useAccess } from "@/rpc/session";
import { CommandLine, EmptyState } from "@/ui/states";

/** An empty list: because of the filter, or because nothing has been published yet. */
export function NoEvents({ filtered }: { filtered: boolean }) {
  const { tenant } = useAccess();
  if (filtered) {
    return (
      <EmptyState title="No event matches">
        <p>No stored event matches the filter. New events that match appear here as they arrive.</p>
        <p>
          <Link to="." search={({ tenant: kept }) => ({ tenant: kept })}>
            Show all events
          </Link>
        </p>
      </EmptyState>
    );
  }
  return (
    <EmptyState title="No events yet">
      <p>
        Publish one with plain JSON and watch it arrive here. KEY is an API key with the scope
        publish.
      </p>
      <CommandLine text={publishLine(window.location.origin, tenant)} />
      <p>
        The response is sent when the event is on disk. To have events delivered,{" "}
        <Link to="/subscriptions/new" search={({ tenant: kept }) => ({ tenant: kept })}>
          create a subscription
        </Link>
        .
      </p>
    </EmptyState>
  );
}

function publishLine(origin: string, tenant: string): string {
  const scope = tenant === "" ? "" : `"tenant":"${tenant}",`;
  return [
    `curl -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json'`,
    `-d '{${scope}"event":{"type":"order.created","data":{"orderId":"42","total":1999}}}'`,
    `${origin}/postrider.v1.EventService/Publish`,
  ].join(" ");
}
