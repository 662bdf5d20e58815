import { Code, ConnectError } from "@connectrpc/connect";
import { act, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ApiKeyScope } from "#gen/postrider/v1/api_key_pb";
import { SlowPolicy } from "#gen/postrider/v1/event_pb";
import {
  LiveStream_Admission as Admission,
  LiveStream_Transport as Transport,
} from "#gen/postrider/v1/stream_pb";
import { FakeServer } from "@/testing/fake-server";
import { pointAt } from "@/testing/fake-stats";
import { refusal } from "@/testing/refusal";
import { renderApp } from "@/testing/render-app";

// happy-dom has no canvas; what is drawn is looked at in a browser.
vi.mock("uplot", () => ({
  default: class {
    cursor = { idx: null };
    setData() {}
    setSize() {}
    setCursor() {}
    valToPos = () => 0;
    redraw() {}
    destroy() {}
  },
}));

/** The second that is under way by the server's clock, which is ahead: no test is too slow for it to stay the newest. */
const now = Math.floor(Date.now() / 1000) * 1000 + 3_600_000;
/** The test's idea of what is inline puts a space between the parts of a type. */
const orderCreated = /order\.\s*created/;

let server: FakeServer;
beforeEach(() => {
  server = new FakeServer();
  server.stats.points = [
    pointAt(now - 3000, { published: 2n, delivered: 1n, failed: 1n }),
    pointAt(now - 2000, { published: 4n, delivered: 4n, backlog: 3n, streams: 2n }),
    pointAt(now - 1000, { published: 6n, delivered: 4n, backlog: 5n, streams: 2n }),
    pointAt(now, { backlog: 7n, streams: 2n }),
  ];
  server.stats.tables = {
    totals: { published: 12n, delivered: 9n, failed: 1n },
    subscriptions: [
      { id: "sub_1", name: "billing", delivered: 9n, failed: 1n, successRatio: 0.9, backlog: 7n },
    ],
    eventTypes: [{ type: "order.created", published: 12n }],
  };
});

const tile = (name: RegExp) =>
  within(screen.getByRole("list", { name: /^Key figures/ })).getByRole("link", { name });
const chart = (name: string) => screen.getByRole("figure", { name });

describe("the overview", () => {
  it("shows the present as figures, and changes as they come", async () => {
    renderApp(server, "/overview");
    await waitFor(() => expect(tile(/Published/).textContent).toBe("Published12now 4/s"));
    expect(tile(/Success/).textContent).toContain("90%");
    expect(tile(/Backlog/).textContent).toContain("7");
    within(chart("Throughput")).getByText("6/s");
    act(() => {
      server.stats.change(pointAt(now, { published: 8n, backlog: 9n }));
      server.stats.change(pointAt(now + 1000, { backlog: 9n }));
    });
    await waitFor(() => expect(tile(/Published/).textContent).toBe("Published20now 5/s"));
    within(chart("Throughput")).getByText("8/s");
    expect(tile(/Backlog/).textContent).toContain("9");
  });

  it("asks for another span, which stays in the URL", async () => {
    const { user, router } = renderApp(server, "/overview");
    await screen.findByRole("link", { name: orderCreated });
    await user.click(screen.getByRole("button", { name: "1 h" }));
    await waitFor(() => expect(router.state.location.search).toEqual({ span: "1h" }));
    await waitFor(() => expect(server.stats.watches.at(-1)?.span?.seconds).toBe(3600n));
    expect(screen.getByRole("button", { name: "1 h" }).getAttribute("aria-pressed")).toBe("true");
    expect(server.openStreams).toBe(1);
  });

  it("leads to what is behind the figures", async () => {
    renderApp(server, "/overview?span=1h");
    const href = (link: HTMLElement) => link.getAttribute("href");
    expect(href(await screen.findByRole("link", { name: orderCreated }))).toBe(
      "/events?types=order.created",
    );
    expect(href(screen.getByRole("link", { name: "billing" }))).toBe("/subscriptions/sub_1");
    expect(
      href(within(screen.getByRole("row", { name: /billing/ })).getByRole("link", { name: "9" })),
    ).toBe("/deliveries?subscription=sub_1&state=DELIVERED");
    expect(href(tile(/Failed/))).toBe("/deliveries?state=FAILED");
    expect(href(tile(/Live streams/))).toBe("/overview/streams");
  });

  it("has the eight busiest and the rest, and says who fails and why", async () => {
    server.stats.tables = {
      totals: { published: 100n, delivered: 90n, failed: 10n },
      subscriptions: Array.from({ length: 10 }, (_, n) => ({
        id: `sub_${n}`,
        name: `s${n}`,
        delivered: 8n,
      })),
      eventTypes: Array.from({ length: 10 }, (_, n) => ({ type: `order.t${n}`, published: 8n })),
      failures: [
        { subscriptionId: "sub_1", subscriptionName: "s1", kind: 1, statusCode: 400, failed: 6n },
        { subscriptionId: "sub_2", subscriptionName: "s2", kind: 5, failed: 3n },
      ],
    };
    renderApp(server, "/overview");
    const table = (name: string) => within(screen.getByRole("region", { name }));
    await screen.findByRole("link", { name: "s7" });
    expect(table("Subscriptions").queryByRole("link", { name: "s8" })).toBeNull();
    expect(table("Subscriptions").getByRole("row", { name: /The rest/ }).textContent).toContain(
      "26",
    );
    expect(table("Busiest types").getByRole("row", { name: /The rest/ }).textContent).toContain(
      "36",
    );
    const failures = table("Failures");
    expect(failures.getByRole("row", { name: /s1/ }).textContent).toBe("s1refused (400)6 60 %");
    expect(failures.getByRole("row", { name: /s2/ }).textContent).toContain("connection refused");
    expect(failures.getByRole("row", { name: /The rest/ }).textContent).toContain("1 10 %");
    expect(failures.getByRole("link", { name: "s1" }).getAttribute("href")).toBe(
      "/deliveries?subscription=sub_1&state=FAILED",
    );
  });

  it("is walked through by keys, with the values of all charts at one time", async () => {
    const { user, router } = renderApp(server, "/overview");
    const throughput = await screen.findByRole("slider", { name: "Time in Throughput" });
    await waitFor(() => within(chart("Throughput")).getByText("6/s"));
    throughput.focus();
    await user.keyboard("{ArrowLeft}{ArrowLeft}{ArrowLeft}");
    expect(throughput.getAttribute("aria-valuetext")).toMatch(
      /^\d\d:\d\d:\d\d: Published 2\/s, Delivered 1\/s$/,
    );
    within(chart("Failures")).getByText("1/s");
    await user.keyboard("{Enter}");
    const search = router.state.location.search as { from: string; to: string };
    expect(Date.parse(search.from)).toBe(now - 3000);
    expect(Date.parse(search.to)).toBe(now - 2000);
  });

  it("has the figures as a table", async () => {
    const { user } = renderApp(server, "/overview");
    await user.click(await screen.findByRole("button", { name: /as a table/ }));
    const rows = within(screen.getByRole("region", { name: "Figures by interval" }));
    expect(rows.getAllByRole("row")).toHaveLength(5);
    act(() => server.stats.change(pointAt(now + 1000, { published: 77n })));
    await rows.findByText("77");
  });

  it("says that figures are stale, keeps them, and goes on where it was", async () => {
    renderApp(server, "/overview");
    await waitFor(() => expect(tile(/Published/).textContent).toContain("Published12"));
    server.stats.points = [pointAt(now + 2000, { published: 1n }), pointAt(now + 3000)];
    server.failWith("Watch", new ConnectError("down", Code.Unavailable));
    server.breakStreams();
    await screen.findByText(/No connection: figures are of/);
    expect(tile(/Published/).textContent).toContain("Published12");
    server.failWith("Watch");
    await waitFor(() => expect(tile(/Published/).textContent).toContain("Published13"));
    expect(screen.queryByText(/No connection/)).toBeNull();
  });

  it("asks for nothing in a hidden tab, and catches up when it is shown again", async () => {
    renderApp(server, "/overview");
    await waitFor(() => expect(server.openStreams).toBe(1));
    const hidden = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    act(() => void document.dispatchEvent(new Event("visibilitychange")));
    await waitFor(() => expect(server.openStreams).toBe(0));
    server.stats.points.push(pointAt(now + 1000, { published: 5n }));
    hidden.mockRestore();
    act(() => void document.dispatchEvent(new Event("visibilitychange")));
    await waitFor(() => expect(tile(/Published/).textContent).toContain("Published17"));
  });

  it("says why there are no figures", async () => {
    server.failWith("Watch", refusal("needs the scope consume", Code.PermissionDenied));
    renderApp(server, "/overview");
    expect((await screen.findByRole("alert")).textContent).toContain("Needs the scope consume");
  });

  it("does not offer streams to those who may not see them", async () => {
    if (server.session) server.session.scopes = [ApiKeyScope.CONSUME];
    renderApp(server, "/overview");
    await waitFor(() => expect(tile(/Published/).textContent).toContain("Published12"));
    expect(screen.queryByRole("link", { name: /Live streams/ })).toBeNull();
  });
});

describe("live streams", () => {
  const stream = {
    id: "str_1",
    transport: Transport.SSE,
    apiKeyName: "board",
    admission: Admission.TICKET,
    remoteAddress: "10.1.2.3:4711",
    filters: [{ types: ["order.*"], expression: "event.data.total > 3" }],
    slowPolicy: SlowPolicy.LATEST_BY_KEY,
    lag: 1234n,
    sent: 5n,
  };

  it("shows who reads what, and how far they have come, as it changes", async () => {
    server.streams.put(stream);
    renderApp(server, "/overview/streams");
    const row = await screen.findByRole("row", { name: /board, by a ticket/ });
    for (const text of ["order.*", "Catching up", "1,234", "5", /^SSE,/, /latest by key/]) {
      within(row).getByText(text);
    }
    server.streams.put({ ...stream, live: true, lag: 0n, sent: 1240n, dropped: 3n });
    await within(row).findByText("Live");
    within(row).getByText("1,240");
    within(row).getByText("3 dropped");
    server.streams.end("str_1");
    await screen.findByRole("heading", { name: "No live streams" });
  });

  it("ends one when that is confirmed", async () => {
    server.streams.put(stream);
    server.streams.put({ ...stream, id: "str_2", apiKeyName: "shop" });
    const { user } = renderApp(server, "/overview/streams");
    await user.click(await screen.findByRole("button", { name: /Disconnect shop/ }));
    const dialog = screen.getByRole("dialog");
    within(dialog).getByText(/shop, by a ticket/);
    await user.click(within(dialog).getByRole("button", { name: "Disconnect" }));
    await waitFor(() => expect(screen.queryByRole("row", { name: /shop/ })).toBeNull());
    expect(screen.queryByRole("dialog")).toBeNull();
    screen.getByRole("row", { name: /board/ });
  });
});

it("deliveries of the whole tenant are narrowed to those that failed", async () => {
  const delivery = { eventType: "order.created", subscriptionName: "billing" };
  server.putDelivery({ ...delivery, id: "dlv_1", state: 4 });
  server.putDelivery({ ...delivery, id: "dlv_2", state: 3 });
  renderApp(server, "/deliveries?state=FAILED");
  const rows = await screen.findAllByRole("button", { name: /order.*created/ });
  expect(rows).toHaveLength(1);
  expect(screen.getByRole("button", { name: "Failed" }).getAttribute("aria-pressed")).toBe("true");
});
