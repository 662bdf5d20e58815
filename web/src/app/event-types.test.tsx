import { Code, ConnectError } from "@connectrpc/connect";
import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { ApiKeyScope } from "#gen/postrider/v1/api_key_pb";
import { EnforcementLevel, SchemaChangeKind, UnknownFields } from "#gen/postrider/v1/event_type_pb";
import { FakeServer } from "@/testing/fake-server";
import { renderApp } from "@/testing/render-app";

let server: FakeServer;
beforeEach(() => {
  server = new FakeServer();
});

const name = "shop.v1.OrderPaid";

const lastUpdate = () =>
  server.calls.findLast(({ method }) => method === "updateEventType")?.request;

function addPaid() {
  return server.eventTypes.add(
    name,
    {
      documentation: {
        version: 2,
        example: '{"orderId":"42"}',
        source: "message OrderPaid {}",
        messages: [
          {
            name,
            fields: [
              {
                name: "order_id",
                jsonName: "orderId",
                number: 1,
                type: "string",
                rules: ["at most 64 characters"],
              },
              {
                name: "amount",
                jsonName: "amount",
                number: 2,
                type: "shop.v1.Money",
                reference: "shop.v1.Money",
                comment: "What arrived.",
                required: true,
              },
            ],
          },
          { name: "shop.v1.Money", comment: "An exact amount." },
        ],
        enums: [{ name: "shop.v1.Side", values: [{ name: "SIDE_BUY", number: 1 }] }],
      },
      versions: [
        { version: 2, message: name },
        { version: 1, message: name },
      ],
      subscribers: [{ id: "sub_1", name: "billing", filterError: "undefined field 'amout'" }],
      traffic: { eventsLastDay: 10_001n, refused: 3n },
    },
    { description: "The money has arrived. It is booked.", latestVersion: 2 },
  );
}

describe("the list of event types", () => {
  it("teaches how to register while there is none", async () => {
    renderApp(server, "/event-types");
    await screen.findByRole("heading", { name: "No event types yet" });
    screen.getByText(/postrider types push/);
  });

  it("shows level, version and the first sentence of each", async () => {
    addPaid().deprecated = true;
    renderApp(server, "/event-types");
    const row = await screen.findByRole("row", { name: /OrderPaid/ });
    for (const text of ["Enforce", "2", "The money has arrived.", "Deprecated"]) {
      within(row).getByText(text);
    }
  });

  it("leaves out messages that are parts of events until they are asked for", async () => {
    addPaid();
    server.eventTypes.add("shop.v1.Money", {}, { partOf: [name, "shop.v1.OrderLine"] });
    const { user, router } = renderApp(server, "/event-types");
    await screen.findByRole("row", { name: /OrderPaid/ });
    screen.getByText("1 event type");
    expect(screen.queryByRole("row", { name: /Money/ })).toBeNull();
    await user.click(screen.getByRole("button", { name: "1 message that is part of others" }));
    const row = await screen.findByRole("row", { name: /Money/ });
    within(row).getByText(/Part of shop\.v1\.OrderPaid and others\./);
    expect(router.state.location.search).toMatchObject({ parts: "shown" });
    await user.click(within(row).getByRole("link"));
    await screen.findByText(/not marked as an event, and no event of it is stored/);
  });

  it("is searched by name and description", async () => {
    addPaid();
    server.eventTypes.add("shop.v1.OrderShipped", {}, { description: "Parcels are on their way." });
    server.eventTypes.add("shop.v1.Money", {}, { partOf: [name] });
    const { user } = renderApp(server, "/event-types");
    const search = await screen.findByRole("searchbox");
    await user.type(search, "PARCELS way");
    await waitFor(() => expect(screen.queryByRole("row", { name: /OrderPaid/ })).toBeNull());
    screen.getByRole("row", { name: /OrderShipped/ });
    await user.clear(search);
    await user.type(search, "v1.money");
    await screen.findByText("1 message that is part of others would be found.");
    await user.click(screen.getByRole("button", { name: "Show all" }));
    await screen.findByRole("row", { name: /OrderPaid/ });
  });

  it("says how to register to those who may", async () => {
    addPaid();
    const { user } = renderApp(server, "/event-types");
    await user.click(await screen.findByRole("button", { name: "Register types" }));
    const dialog = screen.getByRole("dialog");
    within(dialog).getByText(`postrider types push events --server ${window.location.origin}`);
    await user.click(within(dialog).getByRole("button", { name: "Close" }));
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("offers no registration to others", async () => {
    addPaid();
    if (server.session) server.session.tenant = "acme";
    renderApp(server, "/event-types");
    await screen.findByRole("row", { name: /OrderPaid/ });
    expect(screen.queryByRole("button", { name: "Register types" })).toBeNull();
  });

  it("says why it could not be loaded", async () => {
    server.failWith("ListEventTypes", new ConnectError("disk I/O error", Code.Internal));
    renderApp(server, "/event-types");
    expect((await screen.findByRole("alert")).textContent).toContain("Disk I/O error.");
  });
});

describe("the page of a type", () => {
  it("documents its fields, and links the messages they use", async () => {
    addPaid();
    renderApp(server, `/event-types/${name}`);
    const fields = await screen.findByRole("region", { name: "Fields, version 2" });
    within(fields).getByText("at most 64 characters");
    within(fields).getByText("required");
    const link = within(fields).getByRole("link", { name: "Money" });
    expect(link.getAttribute("href")).toBe("#shop.v1.Money");
    within(screen.getByRole("region", { name: "shop.v1.Money" })).getByText("An exact amount.");
    screen.getByText("SIDE_BUY");
    screen.getByRole("region", { name: "Example" });
  });

  it("shows who subscribes, whose filter fails, and the traffic", async () => {
    addPaid();
    renderApp(server, `/event-types/${name}`);
    await screen.findByText("10,000+ events");
    screen.getByText("3 events since the server's start");
    screen.getByRole("link", { name: "billing" });
    screen.getByText(/undefined field 'amout'/);
  });

  it("shows what changed between two versions", async () => {
    addPaid();
    server.eventTypes.diff = {
      fromVersion: 1,
      toVersion: 2,
      changes: [
        {
          element: `${name}.note`,
          kind: SchemaChangeKind.CHANGED,
          before: "string note = 3;",
          after: "bytes note = 3;",
        },
      ],
      incompatibilities: [{ element: `${name}.note`, message: "string became bytes" }],
    };
    const { user, router } = renderApp(server, `/event-types/${name}`);
    const changes = await screen.findByRole("region", { name: "Changes" });
    expect((await within(changes).findByText("string note = 3;")).tagName).toBe("DEL");
    expect(within(changes).getByText("bytes note = 3;").tagName).toBe("INS");
    within(changes).getByText(/string became bytes/);
    await user.selectOptions(within(changes).getByLabelText("To version"), "1");
    await waitFor(() => expect(router.state.location.search).toMatchObject({ to: "1" }));
    await waitFor(() =>
      expect(server.calls.at(-1)?.request).toMatchObject({ fromVersion: 1, toVersion: 1 }),
    );
  });

  it("changes the level of the server, and of the tenant that is looked at", async () => {
    addPaid();
    const { user } = renderApp(server, `/event-types/${name}?tenant=acme`);
    await user.selectOptions(await screen.findByLabelText("On this server"), "Warn");
    await waitFor(() =>
      expect(lastUpdate()).toMatchObject({
        tenant: "",
        eventType: { name, level: EnforcementLevel.WARN },
        updateMask: { paths: ["level"] },
      }),
    );
    await user.selectOptions(await screen.findByLabelText("In acme"), "As on this server: Warn");
    await waitFor(() =>
      expect(lastUpdate()).toMatchObject({
        tenant: "acme",
        eventType: { level: EnforcementLevel.UNSPECIFIED },
      }),
    );
  });

  it("changes what unknown fields mean, and says why that is refused", async () => {
    addPaid();
    const { user } = renderApp(server, `/event-types/${name}?tenant=acme`);
    const choice = await screen.findByLabelText("Unknown fields");
    await user.selectOptions(choice, "Are not stored, but counted");
    await waitFor(() =>
      expect(lastUpdate()).toMatchObject({
        tenant: "",
        eventType: { name, unknownFields: UnknownFields.IGNORE },
        updateMask: { paths: ["unknown_fields"] },
      }),
    );
    server.failWith("UpdateEventType", new ConnectError("disk I/O error", Code.Internal));
    await user.selectOptions(choice, "Are refused as violations");
    expect((await screen.findByRole("alert")).textContent).toContain("isk I/O error");
  });

  it.each([
    [ApiKeyScope.ADMIN, "acme"],
    [ApiKeyScope.CONSUME, ""],
  ])(
    "says that unknown fields are left out to those who may not change it (%s %s)",
    async (scope, tenant) => {
      addPaid().unknownFields = UnknownFields.IGNORE;
      if (server.session) Object.assign(server.session, { scopes: [scope], tenant });
      renderApp(server, `/event-types/${name}`);
      await screen.findByText("Unknown fields are left out.");
      expect(screen.queryByLabelText("Unknown fields")).toBeNull();
    },
  );

  it("shows which fields were left out", async () => {
    addPaid().unknownFields = UnknownFields.IGNORE;
    server.eventTypes.details.set(name, {
      traffic: { ignored: 3n, ignoredFields: ["event.data.stamps"] },
    });
    renderApp(server, `/event-types/${name}`);
    await screen.findByText(/event\.data\.stamps/);
  });

  it("deprecates with a note, and says why a deletion is refused", async () => {
    addPaid();
    const { user } = renderApp(server, `/event-types/${name}`);
    await user.click(await screen.findByRole("button", { name: "Deprecate" }));
    const dialog = screen.getByRole("dialog");
    await user.type(within(dialog).getByLabelText("Note"), "Use v2.");
    await user.click(within(dialog).getByRole("button", { name: "Deprecate" }));
    await screen.findByRole("button", { name: "Remove the deprecation" });
    expect(lastUpdate()).toMatchObject({
      eventType: { deprecated: true, deprecationNote: "Use v2." },
    });

    const inUse = new ConnectError("subscription billing names it", Code.FailedPrecondition);
    server.failWith("DeleteEventType", inUse);
    await user.click(screen.getByRole("button", { name: "Delete" }));
    const second = screen.getByRole("dialog");
    await user.click(within(second).getByRole("button", { name: "Delete" }));
    expect((await within(second).findByRole("alert")).textContent).toContain("billing names it");
    server.failWith("DeleteEventType");
    await user.click(within(second).getByRole("button", { name: "Delete" }));
    await screen.findByRole("heading", { name: "No event types yet" });
  });

  it("lets those who may not change anything only look", async () => {
    addPaid();
    if (server.session) server.session.scopes = [ApiKeyScope.CONSUME];
    renderApp(server, `/event-types/${name}`);
    await screen.findByText("Enforce");
    expect(screen.queryByRole("button", { name: "Delete" })).toBeNull();
    expect(screen.queryByLabelText("On this server")).toBeNull();
  });

  it("says when there is no such type", async () => {
    renderApp(server, "/event-types/nope");
    await screen.findByRole("heading", { name: "No such event type" });
  });
});
