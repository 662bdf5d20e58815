import { Code, ConnectError } from "@connectrpc/connect";
import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { DeliveryState } from "#gen/postrider/v1/delivery_pb";
import { FakeServer } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

let server: FakeServer;
beforeEach(() => {
  server = new FakeServer();
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

  it("says which pattern is wrong, and does not apply it", async () => {
    const { user, router } = renderApp(server);
    await user.type(await screen.findByLabelText("Event types"), "order.*.paid{Enter}");
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
