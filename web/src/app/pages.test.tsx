import { Code, ConnectError } from "@connectrpc/connect";
import { screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { FakeServer } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

let server: FakeServer;
beforeEach(() => {
  server = new FakeServer();
  server.tenants.push({ ...server.tenants[0], name: "acme" } as (typeof server.tenants)[0]);
});

const expectTitle = (title: string) => waitFor(() => expect(document.title).toBe(title));

describe("the document's title", () => {
  it.each([
    ["/overview", "Overview · Postrider"],
    ["/overview/streams", "Live streams · Overview · Postrider"],
    ["/deliveries", "Deliveries · Postrider"],
    ["/subscriptions/new", "New · Subscriptions · Postrider"],
    ["/event-types", "Event types · Postrider"],
    ["/keys", "API keys · Postrider"],
    ["/nowhere", "Page not found · Postrider"],
  ])("names the page at %s", async (url, title) => {
    renderApp(server, url);
    await expectTitle(title);
  });

  it("names the object, and the list again when it is left", async () => {
    const { id } = server.publish("order.created", "{}");
    const { user } = renderApp(server, `/events/${id}`);
    await expectTitle("order.created · Events · Postrider");
    await user.keyboard("{Escape}");
    await expectTitle("Events · Postrider");
  });

  it("shows no hidden characters of an object's name", async () => {
    const subscription = server.addSubscription({ name: "bill\u202Eing" });
    renderApp(server, `/subscriptions/${subscription.id}`);
    await expectTitle("bill\\u202eing · Subscriptions · Postrider");
  });

  it("names the sign-in", async () => {
    server.session = undefined;
    renderApp(server, "/overview");
    await expectTitle("Sign in · Postrider");
  });
});

describe("another tenant", () => {
  it.each([
    ["/overview?span=1h", "/overview?span=1h&tenant=acme"],
    ["/events?types=order.*", "/events?types=order.*&tenant=acme"],
    ["/events/evt_1?types=order.*&delivery=dlv_1", "/events?types=order.*&tenant=acme"],
    ["/subscriptions/new", "/subscriptions/new?tenant=acme"],
    ["/subscriptions/sub_1?state=DEAD", "/subscriptions?tenant=acme"],
    ["/subscriptions/sub_1/edit", "/subscriptions?tenant=acme"],
    ["/event-types/shop.v1.Order", "/event-types/shop.v1.Order?tenant=acme"],
  ])("chosen at %s leads to %s", async (from, to) => {
    const { user, router } = renderApp(server, from);
    await screen.findByRole("option", { name: "acme" });
    await user.selectOptions(screen.getByLabelText("Tenant"), "acme");
    await waitFor(() => expect(router.state.location.href).toBe(to));
  });

  it("in the URL of a key that is confined to one is not asked for", async () => {
    if (server.session) server.session.tenant = "acme";
    const { router } = renderApp(server, "/subscriptions?tenant=default");
    await screen.findByRole("heading", { name: "No subscriptions yet" });
    await waitFor(() => expect(router.state.location.href).toBe("/subscriptions"));
  });
});

describe("what is typed", () => {
  it("is there after a session that ended, for the same caller alone", async () => {
    const { user, queries } = renderApp(server, "/subscriptions/new");
    await user.type(await screen.findByLabelText("Name"), "billing");
    const end = () => queries.setQueryData(["session"], null);
    end();
    await user.type(await screen.findByLabelText("API key"), `${server.key}{Enter}`);
    expect(await screen.findByLabelText("Name")).toHaveProperty("value", "billing");
    end();
    server.keyName = "somebody else";
    await user.type(await screen.findByLabelText("API key"), `${server.key}{Enter}`);
    expect(await screen.findByLabelText("Name")).toHaveProperty("value", "");
    expect(JSON.stringify({ ...sessionStorage })).not.toContain("billing");
  });

  it("stays with its tenant", async () => {
    const { user } = renderApp(server, "/subscriptions/new");
    await user.type(await screen.findByLabelText("Name"), "billing");
    await user.selectOptions(screen.getByLabelText("Tenant"), "acme");
    await waitFor(() => expect(screen.getByLabelText("Name")).toHaveProperty("value", ""));
    await user.selectOptions(screen.getByLabelText("Tenant"), "default");
    await waitFor(() => expect(screen.getByLabelText("Name")).toHaveProperty("value", "billing"));
    await user.click(screen.getByRole("button", { name: "Start over" }));
    expect(screen.getByLabelText("Name")).toHaveProperty("value", "");
  });

  it("is not kept once it was given up", async () => {
    const { user } = renderApp(server, "/subscriptions/new");
    await user.type(await screen.findByLabelText("Name"), "billing");
    await user.click(screen.getByRole("link", { name: "Cancel" }));
    const [link] = await screen.findAllByRole("link", { name: /New subscription/ });
    if (link) await user.click(link);
    expect(await screen.findByLabelText("Name")).toHaveProperty("value", "");
  });
});

describe("a server that is away and comes back", () => {
  it("is asked until it responds, and what failed is read again", async () => {
    const down = new ConnectError("down", Code.Unavailable);
    server.failWith("ListTenants", down);
    const { reachability } = renderApp(server, "/tenants");
    await screen.findByText("Tenants could not be loaded");
    reachability.report(false);
    server.failWith("ListTenants");
    reachability.report(true);
    await screen.findByRole("link", { name: "acme" });
  });

  it("shows the events of the filter that was chosen meanwhile", async () => {
    server.publish("order.created", "{}");
    server.failWith("ListEvents", new ConnectError("down", Code.Unavailable));
    const { reachability } = renderApp(server, "/events?types=order.*");
    await screen.findByText("Events could not be loaded");
    reachability.report(false);
    server.failWith("ListEvents");
    reachability.report(true);
    await screen.findByRole("link", { name: /order\.created/ });
  });
});
