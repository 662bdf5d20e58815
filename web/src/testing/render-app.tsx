import { createMemoryHistory } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { App } from "@/app/app";
import { Build } from "@/app/build";
import { createQueryClient } from "@/app/query-client";
import { createAppRouter } from "@/app/router";
import { StreamSlot } from "@/live/slot";
import { createReachability } from "@/rpc/reachability";
import type { FakeServer } from "./fake-server";

/** Shows the whole page at the URL, talking to the fake. */
export function renderApp(server: FakeServer, url = "/events") {
  const router = createAppRouter(createMemoryHistory({ initialEntries: [url] }));
  const slot = new StreamSlot();
  const queries = createQueryClient();
  const reachability = createReachability();
  render(
    <App
      transport={server.transport}
      queries={queries}
      router={router}
      slot={slot}
      reachability={reachability}
      build={new Build()}
    />,
  );
  return { user: userEvent.setup(), router, slot, queries, reachability };
}
