import { Code, ConnectError } from "@connectrpc/connect";
import { screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { ApiKeyScope } from "#gen/postrider/v1/api_key_pb";
import { FakeServer } from "@/testing/fake-server";
import { refusal } from "@/testing/refusal";
import { renderApp } from "@/testing/render-app";

let server: FakeServer;
beforeEach(() => {
  server = new FakeServer();
});

describe("signing in", () => {
  it("refuses a wrong key at the field, and leads to the page that was asked for", async () => {
    server.session = undefined;
    const { user, router } = renderApp(server, "/subscriptions");
    const field = await screen.findByLabelText("API key");
    await user.type(field, "wrong{Enter}");
    await waitFor(() => expect(field.getAttribute("aria-invalid")).toBe("true"));
    expect(screen.getByText("This key is wrong or has been revoked.")).toBeDefined();
    await user.clear(field);
    await user.type(field, `${server.key}{Enter}`);
    await screen.findByRole("heading", { name: "Subscriptions" });
    expect(router.state.location.pathname).toBe("/subscriptions");
  });

  it("says where the admin key is", async () => {
    server.session = undefined;
    renderApp(server);
    expect((await screen.findByText(/cat .*admin-key/)).textContent).toContain("./data/admin-key");
  });

  it("is asked for again when the stream is refused, as after a revocation", async () => {
    renderApp(server);
    await screen.findByText("Live");
    server.failWith("Subscribe", refusal("revoked", Code.Unauthenticated));
    server.session = undefined;
    server.breakStreams();
    await screen.findByLabelText("API key");
  });

  it("signs out", async () => {
    const { user } = renderApp(server);
    await user.click(await screen.findByLabelText("Signed in as admin"));
    await user.click(screen.getByRole("button", { name: "Sign out" }));
    await screen.findByLabelText("API key");
    expect(server.session).toBeUndefined();
  });

  it("says that the server does not answer, and tries again", async () => {
    server.failWith("GetSession", new ConnectError("down", Code.Unavailable));
    const { user } = renderApp(server);
    await screen.findByText("The server does not respond");
    server.failWith("GetSession");
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await screen.findByRole("heading", { name: "Events" });
  });
});

describe("what a key may not do is not offered", () => {
  it("to a consumer of one tenant", async () => {
    if (server.session) {
      server.session.scopes = [ApiKeyScope.CONSUME];
      server.session.tenant = "acme";
    }
    renderApp(server, "/subscriptions");
    await screen.findByRole("heading", { name: "No subscriptions yet" });
    expect(screen.queryByRole("link", { name: /New subscription/ })).toBeNull();
    expect(screen.queryByRole("link", { name: /API keys/ })).toBeNull();
    expect(screen.queryByLabelText("Tenant")).toBeNull();
    expect(screen.getByText("acme")).toBeDefined();
  });
});

describe("tenants", () => {
  it("are switched in the URL, which goes along to other pages", async () => {
    const { user, router } = renderApp(server, "/tenants");
    await user.click(await screen.findByRole("button", { name: "New tenant" }));
    await user.type(screen.getByLabelText("Name"), "acme");
    await user.click(screen.getByRole("button", { name: "Create tenant" }));
    await user.selectOptions(await screen.findByLabelText("Tenant"), "acme");
    await waitFor(() => expect(router.state.location.href).toBe("/tenants?tenant=acme"));
    await user.click(screen.getByRole("link", { name: "Subscriptions" }));
    await waitFor(() => expect(router.state.location.href).toBe("/subscriptions?tenant=acme"));
  });
});

describe("API keys", () => {
  it("are created with the secret shown once, and revoked", async () => {
    const { user } = renderApp(server, "/keys");
    await user.click(await screen.findByRole("button", { name: "New key" }));
    await user.type(screen.getByLabelText("Name"), "checkout");
    await user.click(screen.getByRole("button", { name: "Create key" }));
    await screen.findByText("pr_abcdefgh");
    expect(server.apiKeys[0]).toMatchObject({
      name: "checkout",
      tenant: "default",
      scopes: [ApiKeyScope.PUBLISH],
    });
    await user.click(screen.getByRole("button", { name: "Done" }));
    expect(screen.queryByText("pr_abcdefgh")).toBeNull();
    await user.click(await screen.findByRole("button", { name: "Revoke checkout" }));
    await user.click(screen.getByRole("button", { name: "Revoke" }));
    await screen.findByText("Revoked");
  });
});
