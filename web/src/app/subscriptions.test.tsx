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

async function fill(user: ReturnType<typeof renderApp>["user"], name: string, url: string) {
  await user.type(await screen.findByLabelText("Name"), name);
  await user.type(screen.getByLabelText("Webhook URL"), url);
}

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

describe("the subscriptions of all tenants", () => {
  beforeEach(() => {
    server.addSubscription({ name: "billing", tenant: "default" });
    server.addSubscription({ name: "crm", tenant: "acme", target: webhook("https://crm.test/") });
  });

  it("are listed with their tenants, found by them, and opened there", async () => {
    const { user, router } = renderApp(server, "/subscriptions");
    await screen.findByRole("row", { name: /billing/ });
    expect(screen.queryByRole("row", { name: /crm/ })).toBeNull();
    await user.selectOptions(screen.getByLabelText("Subscriptions of"), "All tenants");
    await screen.findByRole("row", { name: /crm.*acme:/ });
    await user.type(screen.getByRole("searchbox"), "acme");
    await waitFor(() => expect(screen.queryByRole("row", { name: /billing/ })).toBeNull());
    const link = screen.getByRole("link", { name: "crm" });
    expect(link.getAttribute("href")).toBe("/subscriptions/sub_2?tenant=acme");
    await user.click(link);
    await waitFor(() =>
      expect(router.state.location.href).toBe("/subscriptions/sub_2?tenant=acme"),
    );
  });

  it("are not offered to a key of one tenant", async () => {
    if (server.session) server.session.tenant = "default";
    renderApp(server, "/subscriptions?tenants=all");
    await screen.findByRole("row", { name: /billing/ });
    expect(screen.queryByLabelText("Subscriptions of")).toBeNull();
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
    await screen.findByText("order.*: total is 2");
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
    await fill(user, "billing", "https://10.0.0.1/");
    await user.click(screen.getByRole("button", { name: "Create subscription" }));
    const url = screen.getByLabelText("Webhook URL");
    await waitFor(() => expect(url.getAttribute("aria-invalid")).toBe("true"));
    expect(document.activeElement).toBe(url);
    screen.getByText("Address 10.0.0.1 is refused.");
    screen.getByText("Must be at most 168h.");
    screen.getByText((_, element) => element?.textContent === "subscription.somewhere: Is odd.");
    await user.type(url, "x");
    expect(screen.queryByText("Address 10.0.0.1 is refused.")).toBeNull();
    screen.getByText("Must be at most 168h.");
    expect(document.activeElement).toBe(url);
  });

  it("says all that is wrong at once, each until it is mended", async () => {
    const { user } = renderApp(server, "/subscriptions/new");
    await user.type(await screen.findByLabelText("Event types"), "order..created");
    await user.type(screen.getByLabelText("Timeout"), "5m");
    expect(screen.queryByText(/^Give it a name/)).toBeNull();
    await user.click(screen.getByRole("button", { name: "Create subscription" }));
    expect(document.activeElement).toBe(screen.getByLabelText("Name"));
    const wrong = [
      "Give it a name.",
      "order..created is no event type. Write one as order.created, several as order.* and all as *.",
      "5m is too long: at most 2 minutes.",
      "Write the address that events are sent to.",
    ];
    for (const text of wrong) screen.getByText(text);
    await user.type(screen.getByLabelText("Name"), "b");
    expect(screen.queryByText("Give it a name.")).toBeNull();
    for (const text of wrong.slice(1)) screen.getByText(text);
    await user.clear(screen.getByLabelText("Event types"));
    await user.clear(screen.getByLabelText("Timeout"));
    await user.type(screen.getByLabelText("Webhook URL"), "https://a.test/");
    for (const text of wrong) expect(screen.queryByText(text)).toBeNull();
    expect(screen.queryByText("Some fields have errors.")).toBeNull();
    expect(server.calls).toEqual([]);
  });

  it("suggests types, registered and seen, with the keyboard alone", async () => {
    server.eventTypes.add("shop.v1.OrderCreated");
    server.testFilter = () => ({ results: [{ eventId: "evt_1", eventType: "shop.v1.seen" }] });
    const { user } = renderApp(server, "/subscriptions/new");
    const field = await screen.findByLabelText("Event types");
    await user.type(field, "a.b, SHOP");
    const options = within(await screen.findByRole("listbox")).getAllByRole("option");
    expect(options.map(({ textContent }) => textContent)).toEqual([
      "shop.*2 types",
      "shop.v1.*2 types",
      "shop.v1.OrderCreated",
      "shop.v1.seen",
    ]);
    await user.keyboard("{ArrowDown}{ArrowDown}{Enter}");
    await waitFor(() => expect(field).toHaveProperty("value", "a.b, shop.v1.*"));
    expect(screen.queryByRole("listbox")).toBeNull();
    await user.keyboard("{Backspace}{Escape}");
    expect(screen.queryByRole("listbox")).toBeNull();
    expect(server.calls).toEqual([]);
  });

  it("asks before what is not stored is left, and marks it when the form is there again", async () => {
    const { user, router } = renderApp(server, "/subscriptions/new");
    await fill(user, "billing", "https://hooks.test/secret");
    await user.click(screen.getByRole("link", { name: "Events" }));
    const dialog = await screen.findByRole("dialog", { name: "Leave this page?" });
    await user.click(within(dialog).getByRole("button", { name: "Stay" }));
    expect(router.state.location.pathname).toBe("/subscriptions/new");
    expect(screen.getByLabelText("Webhook URL")).toHaveProperty(
      "value",
      "https://hooks.test/secret",
    );
    await user.click(screen.getByRole("link", { name: "Events" }));
    await user.click(await screen.findByRole("button", { name: "Leave" }));
    await screen.findByRole("heading", { name: /^(Events|No events yet)$/ });
    expect(JSON.stringify({ ...sessionStorage })).not.toContain("secret");

    await user.click(screen.getByRole("link", { name: "Subscriptions" }));
    const [link] = await screen.findAllByRole("link", { name: /New subscription/ });
    if (link) await user.click(link);
    const url = await screen.findByLabelText("Webhook URL");
    expect(url).toHaveProperty("value", "https://hooks.test");
    screen.getByText("This was not stored in the browser: type it again.");
    await user.click(screen.getByRole("button", { name: "Create subscription" }));
    expect(document.activeElement).toBe(url);
    expect(server.calls).toEqual([]);
    await user.type(url, "/secret");
    await user.click(screen.getByRole("button", { name: "Create subscription" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/subscriptions/sub_1"));
    expect(Object.keys(sessionStorage).filter((key) => key.startsWith("postrider.draft"))).toEqual(
      [],
    );
  });

  it("does not send what cannot be read, and opens the section it is in", async () => {
    const { user } = renderApp(server, "/subscriptions/new");
    const timeout = await screen.findByLabelText("Timeout");
    await user.type(timeout, "soon");
    await fill(user, "billing", "https://a.test/");
    const section = timeout.closest("details");
    if (section) section.open = false;
    await user.click(screen.getByRole("button", { name: "Create subscription" }));
    await screen.findByText("soon is no time. Write 500ms, 15s, 5m, 2h or 1d.");
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

  it("is tested with a chosen event of a subscribed type", async () => {
    server.testFilter = () => ({ results: [{ eventId: "evt_7", eventType: "order.created" }] });
    const { user } = renderApp(server, "/subscriptions/sub_1");
    await user.click(await screen.findByRole("button", { name: "Test" }));
    await user.selectOptions(await screen.findByLabelText("Event"), "order.created, evt_7");
    await user.click(screen.getByRole("button", { name: "Send test event" }));
    await screen.findAllByText("204");
    expect(server.calls[0]?.request).toMatchObject({ id: "sub_1", eventId: "evt_7" });
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
