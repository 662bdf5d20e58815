import { Code, ConnectError } from "@connectrpc/connect";
import { cleanup, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { DeliveryState } from "#gen/postrider/v1/delivery_pb";
import { FakeServer } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

let server: FakeServer;
beforeEach(() => {
  server = new FakeServer();
  localStorage.clear();
});

const row = (name: RegExp) => screen.findByRole("link", { name });

describe("events", () => {
  it("teaches how to publish while there is nothing, and then shows what arrives", async () => {
    renderApp(server);
    expect(await screen.findByRole("heading", { name: "No events yet" })).toBeDefined();
    expect(screen.getByText(/curl.*\/postrider.v1.EventService\/Publish/)).toBeDefined();
    await screen.findByText("Live");
    server.publish("order.created", '{"orderId":"42"}');
    await row(/order.created/);
  });

  it("shows an event with its exact payload and its deliveries as they change", async () => {
    const event = server.publish("order.created", '{"total":9007199254740993,"rate":1.10}');
    const delivery = {
      id: "dlv_1",
      eventId: event.id,
      subscriptionName: "billing",
      cursor: event.cursor,
    };
    server.putDelivery({ ...delivery, state: DeliveryState.PENDING });
    const { user, router } = renderApp(server);
    await user.click(await row(/order.created/));
    expect(router.state.location.pathname).toBe(`/events/${event.id}`);
    const panel = await screen.findByRole("complementary", { name: "Event" });
    await within(panel).findByText("9007199254740993");
    within(panel).getByText("1.10");
    await within(panel).findByText("Pending");
    await waitFor(() => expect(server.openStreams).toBe(1));
    server.putDelivery({
      ...delivery,
      state: DeliveryState.DELIVERED,
      updateTime: { seconds: 9n, nanos: 0 },
    });
    await within(panel).findByText("Delivered");
  });

  it("holds the tail while an event is open, and catches up afterwards", async () => {
    const event = server.publish("order.created", "{}");
    const { user } = renderApp(server, `/events/${event.id}`);
    await screen.findByText(/The tail pauses/);
    await screen.findByText(/No subscription has a delivery/);
    server.publish("order.paid", "{}");
    expect(screen.queryByRole("link", { name: /order.paid/ })).toBeNull();
    await user.keyboard("{Escape}");
    await row(/order.paid/);
    expect(screen.getAllByRole("link", { name: /order.created/ })).toHaveLength(1);
    expect(server.openStreams).toBe(1);
  });

  it("keeps the filter in the URL and asks the server for it", async () => {
    server.publish("order.created", "{}");
    server.publish("payment.failed", "{}");
    const { user, router } = renderApp(server);
    await row(/payment.failed/);
    await user.keyboard("/");
    await user.keyboard("order.*{Enter}");
    await waitFor(() => expect(router.state.location.search).toEqual({ types: "order.*" }));
    await waitFor(() => expect(screen.queryByRole("link", { name: /payment.failed/ })).toBeNull());
    await row(/order.created/);
    await waitFor(() => expect(server.subscribes.at(-1)?.types).toEqual(["order.*"]));
  });

  it("searches by what is typed: a subject, an expression, an id", async () => {
    server.eventTypes.add("shop.v1.OrderCreated");
    const wanted = server.publish("order.created", "{}", { subject: "order/42" });
    server.publish("order.created", "{}", { subject: "order/43" });
    const { user, router } = renderApp(server);
    const box = await screen.findByRole("combobox", { name: "Search events" });
    await user.type(box, "order/42{Enter}");
    await waitFor(() => expect(router.state.location.search).toEqual({ subject: "order/42" }));
    await waitFor(() => expect(screen.queryByRole("link", { name: /order\/43/ })).toBeNull());
    await user.type(box, "event.data.led");
    await screen.findByRole("option", { name: /ledger_number/ });
    await user.keyboard("{Tab} > 3{Enter}");
    const expression = "event.data.ledger_number > 3";
    await waitFor(() =>
      expect(router.state.location.search).toEqual({ subject: "order/42", expression }),
    );
    await waitFor(() => expect(server.subscribes.at(-1)?.expression).toBe(expression));
    expect(server.lists.at(-1)).toMatchObject({ subject: "order/42", expression });
    await user.click(screen.getByRole("button", { name: "Remove Subject order/42" }));
    await waitFor(() => expect(router.state.location.search).toEqual({ expression }));
    await user.click(screen.getByRole("button", { name: `CEL ${expression}` }));
    expect(box).toHaveProperty("value", `cel:${expression}`);
    await user.clear(box);
    await user.type(box, `id:${wanted.id}{Enter}`);
    await waitFor(() => expect(router.state.location.pathname).toBe(`/events/${wanted.id}`));
  });

  it("offers the registered types, and those of events that were seen", async () => {
    server.eventTypes.add("shop.v1.OrderCreated");
    server.publish("order.paid", "{}");
    const { user, router } = renderApp(server);
    await user.type(await screen.findByRole("combobox", { name: "Search events" }), "ord");
    await screen.findByRole("option", { name: /shop.v1.OrderCreated/ });
    await user.click(await screen.findByRole("option", { name: /order.paid/ }));
    await waitFor(() => expect(router.state.location.search).toEqual({ types: "order.paid" }));
    await user.keyboard("{Backspace}");
    await waitFor(() => expect(router.state.location.search).toEqual({}));
  });

  it("keeps a search that the server cannot read in the box's reach", async () => {
    const fault = new ConnectError("expression: 1:1: undefined name 'evnt'", Code.InvalidArgument);
    server.failWith("ListEvents", fault);
    renderApp(server, "/events?expression=evnt.id");
    await screen.findByRole("heading", { name: "The search cannot be read" });
    expect(screen.getByRole("alert").textContent).toContain("undefined name 'evnt'");
    await screen.findByRole("button", { name: "CEL evnt.id" });
  });

  it("shows a dot for each delivery, and counts where there are many", async () => {
    const { DELIVERED, DEAD, RETRYING } = DeliveryState;
    const few = server.publish("order.few", "{}");
    const many = server.publish("order.many", "{}");
    const put = (eventId: string, n: number, state: DeliveryState) =>
      server.putDelivery({ id: `${eventId} ${n}`, eventId, state });
    put(few.id, 1, DELIVERED);
    put(few.id, 2, RETRYING);
    for (let n = 0; n < 1000; n++) put(many.id, n, n === 7 ? DEAD : DELIVERED);
    renderApp(server);
    await screen.findByText("1 retrying, 1 delivered");
    await screen.findByText("1 dead, 999 delivered");
    put(few.id, 2, DELIVERED);
    await waitFor(() => screen.getByText("2 delivered"), { timeout: 5000 });
  });

  it("shows no dots to a caller who may not see deliveries, and asks no more", async () => {
    server.failWith("CountDeliveries", new ConnectError("no", Code.PermissionDenied));
    server.publish("order.created", "{}");
    renderApp(server);
    await row(/order.created/);
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("separates the days", async () => {
    const at = (seconds: number) => ({ acceptTime: { seconds: BigInt(seconds), nanos: 0 } });
    const now = Math.floor(Date.now() / 1000);
    server.publish("order.old", "{}", at(now - 3 * 86_400));
    server.publish("order.older", "{}", at(now - 2 * 86_400));
    server.publish("order.new", "{}", at(now));
    renderApp(server);
    await row(/order.new/);
    const rows = screen.getAllByRole("row").slice(1);
    const days = rows.map((one) => /^\w+day, \d{4}-\d\d-\d\d$/.test(one.textContent ?? ""));
    expect(days).toEqual([false, true, false, true, false]);
  });

  it("publishes a copy when asked to resend, once", async () => {
    const event = server.publish("order.created", '{"total":1.10}', { subject: "order/42" });
    const { user, router } = renderApp(server, `/events/${event.id}`);
    await user.click(await screen.findByRole("button", { name: "Resend" }));
    await user.click(await screen.findByRole("button", { name: "Publish a copy" }));
    await user.click(await screen.findByRole("link", { name: "evt_2" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/events/evt_2"));
    const published = server.calls.filter(({ method }) => method === "publish");
    expect(published).toHaveLength(1);
    expect(published[0]?.request).toMatchObject({
      id: expect.stringMatching(/^copy_[0-9a-f]{24}$/),
      type: "order.created",
      subject: "order/42",
      payload: { case: "jsonData", value: '{"total":1.10}' },
    });
  });

  it("copies a command that publishes the event, and a link to it", async () => {
    const event = server.publish("order.created", '{"note":"it\'s \u202e"}', { subject: "a" });
    const { user } = renderApp(server, `/events/${event.id}?tenant=acme`);
    await user.click(await screen.findByRole("button", { name: "Copy as curl" }));
    await screen.findByRole("button", { name: "Copied" });
    const command = await navigator.clipboard.readText();
    expect(command).toContain(`"data":{"note":"it'\\''s \\u202e"}`);
    expect(command).toContain(`"tenant":"acme"`);
    await user.click(screen.getByRole("button", { name: "Copy link" }));
    await waitFor(async () =>
      expect(await navigator.clipboard.readText()).toBe(
        `${window.location.origin}/events/${event.id}?tenant=acme`,
      ),
    );
  });

  it("moves the line between list and detail by key, and remembers it", async () => {
    const event = server.publish("order.created", "{}");
    const { user } = renderApp(server, `/events/${event.id}`);
    const line = await screen.findByRole("separator", { name: "Width of the event" });
    expect(line.getAttribute("aria-valuenow")).toBe("44");
    line.focus();
    await user.keyboard("{ArrowLeft}{ArrowLeft}");
    expect(line.getAttribute("aria-valuenow")).toBe("48");
    cleanup();
    renderApp(server, `/events/${event.id}`);
    const again = await screen.findByRole("separator", { name: "Width of the event" });
    expect(again.getAttribute("aria-valuenow")).toBe("48");
    again.focus();
    await user.keyboard("{Home}");
    expect(again.getAttribute("aria-valuenow")).toBe("70");
    await user.keyboard("{End}{ArrowRight}");
    expect(again.getAttribute("aria-valuenow")).toBe("25");
  });

  it("says which pattern is wrong, and does not apply it", async () => {
    const { user, router } = renderApp(server);
    await user.type(await screen.findByLabelText("Search events"), "order.*.paid{Enter}");
    expect((await screen.findByRole("alert")).textContent).toContain(
      "“order.*.paid” is no pattern",
    );
    expect(router.state.location.search).toEqual({});
  });

  it("pauses and resumes by key, and counts what waits", async () => {
    server.publish("order.created", "{}");
    const { user } = renderApp(server);
    await row(/order.created/);
    await screen.findByText("Live");
    await user.keyboard("p");
    server.publish("order.paid", "{}");
    await screen.findByRole("button", { name: "Resume (1 new)" });
    expect(screen.queryByRole("link", { name: /order.paid/ })).toBeNull();
    await user.keyboard("p");
    await row(/order.paid/);
  });

  it("goes through the rows by j and k, also with an event open", async () => {
    for (const type of ["a.first", "a.second", "a.third"]) server.publish(type, "{}");
    const { user, router } = renderApp(server);
    const newest = await row(/a.third/);
    await user.keyboard("j");
    await waitFor(() => expect(document.activeElement).toBe(newest));
    await user.keyboard("{Enter}");
    await waitFor(() => expect(router.state.location.pathname).toBe("/events/evt_3"));
    await user.keyboard("j");
    await waitFor(() => expect(router.state.location.pathname).toBe("/events/evt_2"));
    await user.keyboard("k");
    await waitFor(() => expect(router.state.location.pathname).toBe("/events/evt_3"));
  });

  it("shows a gap as a row", async () => {
    server.publish("a", "{}");
    renderApp(server);
    await screen.findByText("Live");
    server.push({ message: { case: "gap", value: { message: "removed by retention" } } });
    await screen.findByText(/Events are missing: removed by retention/);
  });

  it("shows a typed event by its schema, and as JSON when asked", async () => {
    server.eventTypes.add("shop.v1.OrderCreated");
    const event = server.publish(
      "shop.v1.OrderCreated",
      '{"channel":"ORDER_CHANNEL_STORE","ledgerNumber":"9007199254740993"}',
      { schemaVersion: 1 },
    );
    const { user } = renderApp(server, `/events/${event.id}`);
    const data = await screen.findByRole("region", { name: "Data" });
    await within(data).findByText("ledger_number");
    within(data).getByText("9007199254740993");
    within(data).getByText("Store");
    await user.click(screen.getByRole("button", { name: "JSON" }));
    within(screen.getByRole("region", { name: "Data" })).getByText('"ORDER_CHANNEL_STORE"');
  });

  it("says what an event breaks that was accepted all the same", async () => {
    server.eventTypes.add("shop.v1.OrderCreated");
    const event = server.publish("shop.v1.OrderCreated", "", {
      schemaVersion: 1,
      payload: { case: "invalidData", value: '{"orderId":7}' },
      violations: [{ field: "data.orderId", message: "must be a string" }],
    });
    renderApp(server, `/events/${event.id}`);
    await screen.findByText(/It violates its schema/);
    const data = await screen.findByRole("region", { name: "Data" });
    await within(data).findByText("order_id");
    within(data).getByText("Must be a string.");
  });

  it("shows the JSON of a typed event whose schema cannot be had", async () => {
    server.failWith("GetSchemas", new ConnectError("no schema", Code.NotFound));
    const event = server.publish("shop.v1.OrderPaid", '{"orderId":"7"}', { schemaVersion: 1 });
    renderApp(server, `/events/${event.id}`);
    await screen.findByText('"orderId"');
  });

  it("says why events could not be loaded, and loads them when asked again", async () => {
    server.publish("order.created", "{}");
    server.failWith("ListEvents", new ConnectError("disk I/O error", Code.Internal));
    const { user } = renderApp(server);
    expect((await screen.findByRole("alert")).textContent).toContain("Disk I/O error.");
    server.failWith("ListEvents");
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await row(/order.created/);
  });

  it("says that it reconnects", async () => {
    renderApp(server);
    await screen.findByText("Live");
    server.failWith("Subscribe", new ConnectError("down", Code.Unavailable));
    server.breakStreams();
    await waitFor(() => expect(screen.getByText(/Reconnecting|Offline/)).toBeDefined());
    server.failWith("Subscribe");
    await screen.findByText("Live");
  });

  it("says when there is no such event", async () => {
    renderApp(server, "/events/evt_404");
    await screen.findByRole("heading", { name: "No such event" });
  });
});
