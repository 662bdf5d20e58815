import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { PayloadFormat } from "#gen/postrider/v1/event_pb";
import { SubscriptionSchema } from "#gen/postrider/v1/subscription_pb";
import { formFaults } from "./form-rules";
import { createRequest, emptyForm, formOf, updateRequest } from "./form-state";
import type { TargetStates } from "./targets/registry";

const stored = create(SubscriptionSchema, {
  id: "sub_1",
  name: "billing",
  revision: 7n,
  filter: { types: ["order.*", "payment.failed"], expression: "event.data.total > 3" },
  target: {
    config: { case: "webhook", value: { url: "https://x.test/h", headers: { "X-Key": "•••" } } },
  },
  policy: { retrySchedule: [durationFromMs(5000), durationFromMs(5_400_000)], concurrency: 4 },
});

function withWebhook(change: Partial<TargetStates["webhook"]>) {
  const { targets } = emptyForm;
  return { targets: { ...targets, webhook: { ...targets.webhook, ...change } } };
}

describe("the form", () => {
  it("sends back what it was filled with", () => {
    const request = updateRequest(formOf(stored), "acme", stored);
    expect(request).toMatchObject({
      tenant: "acme",
      subscription: {
        id: "sub_1",
        revision: 7n,
        name: "billing",
        filter: { types: ["order.*", "payment.failed"], expression: "event.data.total > 3" },
        target: { config: { value: { url: "https://x.test/h", headers: { "X-Key": "•••" } } } },
        policy: { retrySchedule: [{ seconds: 5n }, { seconds: 5400n }], concurrency: 4 },
      },
    });
    expect(request.updateMask?.paths).toEqual([
      "name",
      "description",
      "filter",
      "target",
      "policy",
      "payload_format",
    ]);
  });

  it("keeps what it does not show of a NATS target", () => {
    const value = {
      urls: ["tls://a.test:4222", "tls://b.test:4222"],
      subject: "events.{type}",
      user: "postrider",
      password: "•••",
    };
    const sub = create(SubscriptionSchema, { target: { config: { case: "nats", value } } });
    const { subscription } = updateRequest(formOf(sub), "", sub);
    expect(subscription?.target).toMatchObject({ config: { case: "nats", value } });
  });

  it("sends the secrets of the chosen login only", () => {
    const { kind, targets } = { kind: "nats" as const, targets: emptyForm.targets };
    const nats = { ...targets.nats, login: "token" as const, token: "t", password: "p" };
    const { subscription } = createRequest(
      { ...emptyForm, kind, targets: { ...targets, nats } },
      "",
    );
    expect(subscription?.target).toMatchObject({
      config: { case: "nats", value: { token: "t", password: "" } },
    });
  });

  it.each([true, false])("asks for defaults: %s", (defaults) => {
    const payloadFormat = defaults ? PayloadFormat.JSON_DEFAULTS : PayloadFormat.JSON;
    const request = createRequest({ ...emptyForm, defaults }, "");
    expect(request.subscription?.payloadFormat).toBe(payloadFormat);
    expect(formOf(create(SubscriptionSchema, { payloadFormat })).defaults).toBe(defaults);
  });

  it("changes the secret only when one is given", () => {
    const request = updateRequest({ ...formOf(stored), secret: "whsec_AAAA" }, "", stored);
    expect(request.updateMask?.paths).toContain("secret");
  });

  it.each([
    [{ startAt: "earliest" as const }, "earliest"],
    [{ startAt: "cursor" as const, startCursor: " c1 " }, "c1"],
    [{ startAt: "time" as const, startTime: "2026-01-31T09:00:00Z" }, "2026-01-31T09:00:00.000Z"],
  ])("starts at %j", (change, want) => {
    expect(createRequest({ ...emptyForm, ...change }, "").subscription?.start).toBe(want);
  });

  it.each([
    ["https://x.test/other?a=1", true],
    ["https://X.test:443/h", true],
    ["https://y.test/h", false],
    ["http://x.test/h", false],
    ["https://x.test:8443/h", false],
  ])("keeps a stored header at %s: %s", (url, kept) => {
    const { targets } = formOf(stored);
    const form = { ...formOf(stored), ...withWebhook({ ...targets.webhook, url }) };
    const faults = formFaults(form);
    expect(faults.map(({ path }) => path)).toEqual(
      kept ? [] : ['subscription.target.webhook.headers["X-Key"]'],
    );
    const again = targets.webhook.headers.map((header) => ({ ...header, value: "fresh" }));
    for (const headers of [again, []])
      expect(formFaults({ ...form, ...withWebhook({ ...targets.webhook, url, headers }) })).toEqual(
        [],
      );
  });
});
