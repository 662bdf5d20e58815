import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { AttemptOutcome, DeliveryState } from "#gen/postrider/v1/delivery_pb";
import { BreakerState, SubscriptionState } from "#gen/postrider/v1/subscription_pb";
import { badRequest } from "@/testing/bad-request";
import { FakeServer } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

let server: FakeServer;
beforeEach(() => {
  server = new FakeServer();
});

const webhook = (url: string) => ({ config: { case: "webhook" as const, value: { url } } });

const isRow = (link: HTMLElement) => link.dataset.row !== undefined;

function invalid(faults: Record<string, string>): ConnectError {
  const error = new ConnectError("invalid request", Code.InvalidArgument);
  error.details.push(badRequest(faults));
  return error;
}

describe("the list of subscriptions", () => {
  it("shows the health of each", async () => {
    server.addSubscription({
      name: "crm",
      target: webhook("https://crm.test/hook"),
      health: {
        breaker: BreakerState.OPEN,
        backlog: 10_001n,
        dead: 7n,
        successRate: 0.31,
        lastError: "refused",
      },
    });
    renderApp(server, "/subscriptions");
    const row = await screen.findByRole("row", { name: /crm/ });
    for (const text of ["10,000+", "7", "31 %"]) within(row).getByText(text);
    within(row).getByText("Unreachable: no valid answer, probing now");
  });

  it("does not say that nothing was tried where the endpoint asks to be left alone", async () => {
    const reason = "the endpoint answered 429 Too Many Requests";
    server.addSubscription({
      name: "crm",
      target: webhook("https://crm.test/hook"),
      health: { breaker: BreakerState.HOLDING, retrying: 1n, hold: { reason } },
    });
    renderApp(server, "/subscriptions");
    const row = await screen.findByRole("row", { name: /crm/ });
    within(row).getByText("Held until it is changed or resumed");
    within(row).getByTitle(new RegExp(reason, "i"));
  });

  it("puts what fails first, and is narrowed by words and by state, in the URL", async () => {
    for (const name of ["audit", "billing"]) {
      server.addSubscription({ name, target: webhook(`https://${name}.test/hook`) });
    }
    server.addSubscription({
      name: "crm",
      filter: { types: ["order.*"] },
      target: webhook("https://crm.test/hook"),
      health: { breaker: BreakerState.OPEN },
    });
    const { user, router } = renderApp(server, "/subscriptions");
    const names = async (count: number) => {
      await waitFor(() =>
        expect(screen.getAllByRole("link", { name: /^\w+$/ }).filter(isRow)).toHaveLength(count),
      );
      return screen
        .getAllByRole("link")
        .filter(isRow)
        .map((link) => link.textContent);
    };
    expect(await names(3)).toEqual(["crm", "audit", "billing"]);
    const search = screen.getByRole("searchbox", { name: /Search by name/ });
    await user.type(search, "order");
    expect(await names(1)).toEqual(["crm"]);
    await user.clear(search);
    await user.type(search, "billing.test");
    expect(await names(1)).toEqual(["billing"]);
    await user.clear(search);
    await user.click(screen.getByRole("button", { name: "Healthy 2" }));
    expect(await names(2)).toEqual(["audit", "billing"]);
    expect(router.state.location.search).toEqual({ state: "healthy" });
    await user.click(screen.getByRole("button", { name: "Paused 0" }));
    await screen.findByText("No subscription is like this");
  });
});

describe("the form's expression", () => {
  const total = { line: 1, column: 12, message: "undefined field 'totl'", suggestion: "total" };

  it("is completed by the schemas of the types, with the keyboard alone", async () => {
    server.eventTypes.add("shop.v1.OrderCreated");
    const { user } = renderApp(server, "/subscriptions/new");
    const field = await screen.findByLabelText("Expression");
    await user.type(field, "event.da{Enter}");
    await waitFor(() => expect(field).toHaveProperty("value", "event.data"));
    await user.type(field, ".le");
    await screen.findByRole("option", { name: /ledger_number/ });
    await user.keyboard("{ArrowDown}{ArrowUp}{Tab}");
    await waitFor(() => expect(field).toHaveProperty("value", "event.data.ledger_number"));
    await user.type(field, " > 3");
    expect(screen.queryByRole("listbox")).toBeNull();
    await user.type(field, " && ev{Escape}{Enter}");
    expect(field).toHaveProperty("value", "event.data.ledger_number > 3 && ev\n");
  });

  it("is tried on the newest events, and says which it selects and why not", async () => {
    server.testFilter = ({ filter }) => ({
      results: [
        { eventId: "evt_2", eventType: "order.created", matched: true },
        { eventId: "evt_1", eventType: "order.paid", reason: `${filter?.types[0]}: total is 2` },
      ],
    });
    const { user } = renderApp(server, "/subscriptions/new");
    await user.type(await screen.findByLabelText("Event types"), "order.*");
    await user.type(screen.getByLabelText("Expression"), "event.data.total > 3");
    await screen.findByText("It selects 1 of all 2 events of these types.");
    screen.getByText("order.*: total is 2");
  });

  it("shows what is wrong at its place, and takes the suggestion", async () => {
    server.testFilter = ({ filter }) =>
      filter?.expression.includes("totl") ? { problems: [total] } : {};
    const { user } = renderApp(server, "/subscriptions/new");
    const field = await screen.findByLabelText("Expression");
    await user.type(field, "event.data.totl > 3");
    await screen.findByText("Undefined field 'totl'.");
    expect(document.querySelector("pre span")?.textContent).toBe("totl");
    await user.click(screen.getByRole("button", { name: "Write total" }));
    expect(field).toHaveProperty("value", "event.data.total > 3");
    await screen.findByText("No event of these types is stored yet to try it on.");
  });
});

describe("the form", () => {
  it("creates a subscription and leads to it", async () => {
    const { user, router } = renderApp(server, "/subscriptions/new");
    await user.type(await screen.findByLabelText("Name"), "billing");
    await user.type(screen.getByLabelText("Event types"), "order.*, payment.failed");
    await user.type(screen.getByLabelText("Webhook URL"), "http://127.0.0.1:9900/hook");
    await user.click(screen.getByRole("button", { name: "Add header" }));
    await user.type(screen.getByLabelText("Name of header 1"), "X-Key");
    await user.type(screen.getByLabelText("Value of header 1"), "abc");
    await user.click(screen.getByRole("button", { name: "Create subscription" }));
    await screen.findByRole("heading", { name: /billing/ });
    expect(router.state.location.pathname).toBe("/subscriptions/sub_1");
    expect(server.calls[0]?.request).toMatchObject({
      subscription: {
        name: "billing",
        start: "now",
        filter: { types: ["order.*", "payment.failed"] },
        target: {
          config: { value: { url: "http://127.0.0.1:9900/hook", headers: { "X-Key": "abc" } } },
        },
      },
    });
  });

  it("shows what the server refuses at the field, and the rest on top", async () => {
    server.failWith(
      "CreateSubscription",
      invalid({
        "subscription.target.webhook.url": "address 10.0.0.1 is refused",
        "subscription.policy.retry_schedule[2]": "must be at most 168h",
        "subscription.somewhere": "is odd",
      }),
    );
    const { user } = renderApp(server, "/subscriptions/new");
    await user.type(await screen.findByLabelText("Name"), "billing");
    await user.click(screen.getByRole("button", { name: "Create subscription" }));
    const url = screen.getByLabelText("Webhook URL");
    await waitFor(() => expect(url.getAttribute("aria-invalid")).toBe("true"));
    expect(document.activeElement).toBe(url);
    screen.getByText("Address 10.0.0.1 is refused.");
    screen.getByText("Must be at most 168h.");
    expect(screen.getByRole("alert").textContent).toContain("subscription.somewhere: Is odd.");
  });

  it("does not send what cannot be read, and opens the section it is in", async () => {
    const { user } = renderApp(server, "/subscriptions/new");
    const timeout = await screen.findByLabelText("Timeout");
    await user.type(timeout, "soon");
    const section = timeout.closest("details");
    if (section) section.open = false;
    await user.click(screen.getByRole("button", { name: "Create subscription" }));
    await screen.findByText("Write a time such as 15s or 500ms.");
    expect(section?.open).toBe(true);
    expect(server.calls).toEqual([]);
  });

  it("edits with the revision it began from", async () => {
    server.addSubscription({ name: "billing", target: webhook("https://a.test/"), revision: 7n });
    const { user } = renderApp(server, "/subscriptions/sub_1/edit");
    const url = await screen.findByLabelText("Webhook URL");
    await user.clear(url);
    await user.type(url, "https://b.test/");
    await user.click(screen.getByRole("button", { name: "Save changes" }));
    await screen.findByRole("heading", { name: /billing/ });
    expect(server.calls[0]?.request).toMatchObject({
      subscription: {
        id: "sub_1",
        revision: 7n,
        target: { config: { value: { url: "https://b.test/" } } },
      },
    });
  });
});

describe("one subscription", () => {
  beforeEach(() => {
    server.addSubscription({ name: "billing", target: webhook("https://a.test/hook") });
  });

  it("is paused, resumed and deleted", async () => {
    const { user, router } = renderApp(server, "/subscriptions/sub_1");
    await user.click(await screen.findByRole("button", { name: "Pause" }));
    await user.click(await screen.findByRole("button", { name: "Resume" }));
    await screen.findByRole("button", { name: "Pause" });
    expect(server.subscriptions[0]?.state).toBe(SubscriptionState.ACTIVE);
    await user.click(screen.getByRole("button", { name: "Delete" }));
    const dialog = screen.getByRole("dialog", { name: "Delete billing?" });
    await user.click(within(dialog).getByRole("button", { name: "Delete" }));
    await screen.findByRole("heading", { name: "No subscriptions yet" });
    expect(router.state.location.pathname).toBe("/subscriptions");
  });

  it("is tested, and shows what came back", async () => {
    const { user } = renderApp(server, "/subscriptions/sub_1");
    await user.click(await screen.findByRole("button", { name: "Test" }));
    await user.click(screen.getByRole("button", { name: "Send test event" }));
    const dialog = screen.getByRole("dialog");
    expect((await within(dialog).findAllByText("204")).length).toBeGreaterThan(0);
  });

  it("hides its secret until asked", async () => {
    const { user } = renderApp(server, "/subscriptions/sub_1");
    const reveal = await screen.findByRole("button", { name: "Reveal secret" });
    expect(screen.queryByText(/whsec_/)).toBeNull();
    await user.click(reveal);
    await screen.findByText("whsec_c2VjcmV0");
    await user.click(screen.getByRole("button", { name: "Hide" }));
    expect(screen.queryByText(/whsec_/)).toBeNull();
  });

  it("shows its deliveries live, by state, with attempts and a retry", async () => {
    server.attempts.set("dlv_1", []);
    const { user, router } = renderApp(server, "/subscriptions/sub_1");
    await screen.findByText("No deliveries yet.");
    await screen.findByText("Live");
    server.putDelivery({
      id: "dlv_1",
      subscriptionId: "sub_1",
      eventId: "evt_1",
      eventType: "order.created",
      cursor: "c1",
      state: DeliveryState.DEAD,
      attemptCount: 1,
      lastAttempt: {
        number: 1,
        outcome: AttemptOutcome.EVENT_FAILURE,
        response: { statusCode: 422 },
      },
    });
    const toggle = await screen.findByRole("button", { name: /order\.\s*created/ });
    await user.click(toggle);
    expect(router.state.location.search).toEqual({ delivery: "dlv_1" });
    await user.click(await screen.findByRole("button", { name: "Retry now" }));
    await waitFor(() =>
      expect(server.calls.at(-1)).toEqual({ method: "retryDelivery", request: "dlv_1" }),
    );
    await user.click(screen.getByRole("button", { name: "Delivered" }));
    await screen.findByText("No delivery is in this state.");
    expect(router.state.location.search).toMatchObject({ state: "DELIVERED" });
  });

  it("calls an attempt next while it is to come, and due once it waits for the subscription", async () => {
    const minutes = (n: number) => timestampFromMs(Date.now() + n * 60_000 + 30_000);
    renderApp(server, "/subscriptions/sub_1");
    await screen.findByText("Live");
    for (const [id, nextAttemptTime] of [
      ["dlv_1", minutes(4)],
      ["dlv_2", minutes(-16)],
    ] as const) {
      server.putDelivery({
        id,
        subscriptionId: "sub_1",
        eventId: "evt_1",
        cursor: id,
        state: DeliveryState.RETRYING,
        nextAttemptTime,
      });
    }
    const rows = await screen.findAllByText(/^(next|due)/);
    const texts = rows.map((row) => row.textContent).sort();
    expect(texts).toEqual(["due 15 min ago", "next in 4 min"]);
  });
});
