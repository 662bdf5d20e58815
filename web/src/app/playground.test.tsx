import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { DeliverySchema, DeliveryState } from "#gen/postrider/v1/delivery_pb";
import type { Event } from "#gen/postrider/v1/event_pb";
import { recentType } from "@/store/recent-type";
import { badRequest } from "@/testing/bad-request";
import { FakeServer } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

let server: FakeServer;
beforeEach(() => {
  server = new FakeServer();
  recentType.set(undefined);
});

const example = JSON.stringify({
  orderId: "42",
  channel: "ORDER_CHANNEL_WEB",
  lines: [{ sku: "A-1", quantity: 2, unitPrice: { currency: "EUR", minorUnits: "1999" } }],
  total: { currency: "EUR", minorUnits: "3998" },
  ledgerNumber: "9007199254740993",
  createTime: "2026-01-31T09:00:00Z",
});

function addCreated(text = example) {
  const name = "shop.v1.OrderCreated";
  const fields = [
    { name: "order_id", comment: "Number of the order.", rules: ["1 to 64 characters"] },
  ];
  server.eventTypes.add(name, {
    documentation: { version: 1, example: text, messages: [{ name, fields }] },
  });
}

const published = () =>
  server.calls.flatMap(({ method, request }) => {
    const { payload } = method === "publish" ? (request as Event) : { payload: undefined };
    return payload?.case === "jsonData" ? [payload.value] : [];
  });

async function openForm(url = "/playground?type=shop.v1.OrderCreated") {
  const app = renderApp(server, url);
  const form = await screen.findByRole("form", { name: "Event" });
  return { ...app, form, publish: within(form).getByRole("button", { name: "Publish" }) };
}

describe("the playground", () => {
  it("begins with the example, keeps its rules, publishes it and sees it arrive", async () => {
    addCreated();
    const { user, form, publish } = await openForm("/playground");
    within(form).getByText("Number of the order.");
    within(form).getByText("It satisfies every rule.");
    await screen.findByText("Events of this type appear here as they arrive.");
    await user.click(publish);
    await screen.findByText(/Stored as/);
    const arrivals = screen.getByRole("region", { name: "Arrivals" });
    await within(arrivals).findByText(/, and arrived/);
    expect(published()).toEqual([example]);
  });

  it("shows a broken rule at its field and does not publish", async () => {
    addCreated();
    const { user, form, publish } = await openForm();
    const sku = within(form).getByLabelText(/^sku/);
    await user.clear(sku);
    await user.type(sku, "no good");
    await waitFor(() => expect(sku.getAttribute("aria-invalid")).toBe("true"));
    within(form).getByText(/Does not match regex/);
    within(form).getByText("It breaks a rule.");
    await user.click(publish);
    expect(published()).toEqual([]);
    await waitFor(() => expect(document.activeElement).toBe(sku));
  });

  it("shows what the message's own rule says on top", async () => {
    addCreated();
    const { user, form } = await openForm();
    const currency = within(form).getAllByLabelText(/^currency/)[1];
    if (!currency) throw new Error("no currency of the total");
    await user.clear(currency);
    await user.type(currency, "USD");
    await within(form).findByText(/every line must be priced in the currency of the total/i);
  });

  it("publishes what breaks a rule when that is wanted, and shows what the server says", async () => {
    addCreated();
    const refusal = new ConnectError("the payload violates its schema", Code.InvalidArgument);
    refusal.details.push(badRequest({ "event.data.shipTo": "value is required" }));
    server.failWith("Publish", refusal);
    const { user, form } = await openForm();
    await user.clear(within(form).getByLabelText(/^order_id/));
    await user.click(await within(form).findByRole("button", { name: "Publish anyway" }));
    expect((await within(form).findByRole("alert")).textContent).toContain(
      "The server refused it.",
    );
    // Once in the list, and once at its field.
    expect(within(form).getAllByText(/Value is required\./)).toHaveLength(2);
  });

  it("does not call it a refusal when the server cannot be reached", async () => {
    addCreated();
    const { user, publish, form } = await openForm();
    server.failWith("Publish", new ConnectError("down", Code.Unavailable));
    await user.click(publish);
    const alert = await within(form).findByRole("alert");
    expect(alert.textContent).toContain("Whether the event was stored is not known.");
    expect(alert.textContent).not.toContain("refused");
  });

  it("takes 64-bit numbers as text, and shows code for what is filled in", async () => {
    addCreated();
    const { user, form } = await openForm();
    const ledger = within(form).getByLabelText(/^ledger_number/);
    expect(ledger).toHaveProperty("value", "9007199254740993");
    await user.click(screen.getByRole("tab", { name: "TypeScript" }));
    await screen.findByText(/ledgerNumber: 9007199254740993n/);
    await user.click(screen.getByRole("tab", { name: "Go" }));
    await screen.findByText(/LedgerNumber: +9007199254740993,/);
    await user.click(screen.getByRole("tab", { name: "curl" }));
    await screen.findByText(/"ledgerNumber": "9007199254740993"/);
    await user.clear(ledger);
    await user.type(ledger, "9223372036854775808");
    await within(form).findByText("Write 9223372036854775807 or less.");
  });

  it("adds, sets and removes what a schema allows", async () => {
    addCreated();
    const { user, form, publish } = await openForm();
    await user.click(within(form).getByRole("button", { name: "Set ship_to" }));
    await user.type(within(form).getByLabelText(/^city/), "Malmö");
    await user.click(within(form).getByRole("button", { name: "Unset ship_to" }));
    await user.click(within(form).getByRole("button", { name: "Add to lines[0].options" }));
    await user.type(within(form).getByLabelText("Key 1 of lines[0].options"), "size");
    await user.type(within(form).getByLabelText("Value 1 of lines[0].options"), "M");
    await user.click(within(form).getByRole("button", { name: "Add to lines" }));
    await user.click(within(form).getByRole("button", { name: "Remove lines[1]" }));
    await user.click(publish);
    await waitFor(() => expect(published()).toHaveLength(1));
    expect(JSON.parse(published()[0] ?? "")).toMatchObject({
      lines: [{ sku: "A-1", options: { size: "M" } }],
    });
    expect(published()[0]).not.toContain("shipTo");
  });

  it("offers one field of a oneof", async () => {
    server.eventTypes.add("shop.v1.OrderPaid", { documentation: { version: 1 } });
    const { user, form } = await openForm("/playground?type=shop.v1.OrderPaid");
    expect(within(form).queryByText(/It breaks/)).toBeNull();
    await user.selectOptions(within(form).getByLabelText(/^method/), "gift_card_code");
    const code = within(form).getByLabelText(/^gift_card_code/);
    await user.type(code, "nope");
    await waitFor(() => expect(code.getAttribute("aria-invalid")).toBe("true"));
    await user.selectOptions(within(form).getByLabelText(/^method/), "card");
    expect(within(form).queryByLabelText(/^gift_card_code/)).toBeNull();
    within(form).getByLabelText(/^last_four/);
  });

  it("fills the form from JSON, and names what the schema does not know", async () => {
    addCreated();
    const { user, form } = await openForm();
    await user.click(within(form).getByRole("button", { name: "From JSON" }));
    const dialog = screen.getByRole("dialog");
    const data = within(dialog).getByLabelText("Data");
    await user.clear(data);
    await user.click(data);
    await user.paste('{"orderId": "43", "colour": "red"}');
    await user.click(within(dialog).getByRole("button", { name: "Fill in" }));
    await within(dialog).findByText("The schema has no place for colour.");
    await user.clear(data);
    await user.click(data);
    await user.paste('{"order_id": "43"}');
    await user.click(within(dialog).getByRole("button", { name: "Fill in" }));
    await waitFor(() =>
      expect(within(form).getByLabelText(/^order_id/)).toHaveProperty("value", "43"),
    );
  });

  it("publishes an event without a schema, as any JSON object", async () => {
    const { user, form, publish } = await openForm("/playground");
    expect(screen.getByLabelText("Event type")).toHaveProperty("value", "order.created");
    within(form).getByText(/No schema is registered for/);
    const data = within(form).getByLabelText("Data");
    await user.clear(data);
    await user.click(data);
    await user.paste("[1]");
    within(form).getByText(/must be a JSON object/);
    await user.click(publish);
    expect(published()).toEqual([]);
    await user.clear(data);
    await user.click(data);
    await user.paste('{"colour": "red"}');
    await user.click(screen.getByRole("tab", { name: "curl" }));
    screen.getByText(/"type":"order\.created","data":\{\s*"colour": "red"/);
    await user.click(publish);
    await screen.findByText(/, and arrived/);
    expect(published()).toEqual(['{"colour": "red"}']);
  });

  it("takes any type name, and says what is none", async () => {
    addCreated();
    const { user, router } = await openForm("/playground");
    const choice = screen.getByLabelText("Event type");
    expect(choice).toHaveProperty("value", "shop.v1.OrderCreated");
    await user.clear(choice);
    await user.type(choice, "not a name{Enter}");
    expect(choice.getAttribute("aria-invalid")).toBe("true");
    await user.clear(choice);
    await user.type(choice, "order.paid{Enter}");
    await screen.findByText(/No schema is registered for/);
    expect(router.state.location.search).toMatchObject({ type: "order.paid" });
  });

  it("begins with an event, not with a part of one", async () => {
    server.eventTypes.add("shop.v1.Address", {}, { partOf: ["shop.v1.OrderShipped"] });
    addCreated();
    await openForm("/playground");
    expect(screen.getByLabelText("Event type")).toHaveProperty("value", "shop.v1.OrderCreated");
  });

  it("begins with the type that is used most", async () => {
    addCreated();
    server.stats.tables = { eventTypes: [{ type: "billing.paid", published: 7n }] };
    await openForm("/playground");
    expect(screen.getByLabelText("Event type")).toHaveProperty("value", "billing.paid");
  });

  it("begins with the type that was looked at before", async () => {
    addCreated();
    server.eventTypes.add("shop.v1.OrderPaid", { documentation: { version: 1 } });
    const { user } = renderApp(server, "/event-types/shop.v1.OrderPaid");
    await user.click(await screen.findByRole("button", { name: /^More pages/ }));
    await user.click(await screen.findByRole("link", { name: "Playground" }));
    expect(await screen.findByLabelText("Event type")).toHaveProperty("value", "shop.v1.OrderPaid");
  });

  it("shows where an event that arrived was delivered", async () => {
    addCreated();
    const { user, publish } = await openForm();
    await user.click(publish);
    const arrivals = screen.getByRole("region", { name: "Arrivals" });
    await within(arrivals).findByText(/no subscription has taken it/);
    const eventId = server.events.at(-1)?.id ?? "";
    server.deliveries.push(
      create(DeliverySchema, {
        id: "dlv_1",
        eventId,
        eventType: "shop.v1.OrderCreated",
        subscriptionName: "billing",
        state: DeliveryState.RETRYING,
        attemptCount: 2,
        lastAttempt: { response: { statusCode: 500 } },
      }),
    );
    const link = await within(arrivals).findByRole("link", { name: "billing" }, { timeout: 3000 });
    expect(link.getAttribute("href")).toBe(`/events/${eventId}?delivery=dlv_1`);
    within(arrivals).getByText("Retrying");
    within(arrivals).getByText("500 after 2 attempts");
  });

  it("says when types cannot be loaded", async () => {
    server.failWith("ListEventTypes", new ConnectError("disk I/O error", Code.Internal));
    renderApp(server, "/playground");
    await screen.findByRole("heading", { name: "Event types could not be loaded" });
  });
});
