import { create } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import { describe, expect, it } from "vitest";
import { CreateSubscriptionRequestSchema } from "#gen/postrider/v1/subscription_pb";
import { covers } from "@/ui/field";
import { formFaults } from "./form-rules";
import { createRequest, emptyForm, type FormState } from "./form-state";
import type { HeaderField } from "./targets/webhook/webhook";

const validator = createValidator();

/** The paths that the contract finds fault with. */
function contractFaults(form: FormState): string[] {
  const request = create(CreateSubscriptionRequestSchema, createRequest(form, ""));
  const { violations = [] } = validator.validate(CreateSubscriptionRequestSchema, request);
  return violations.map(({ field }) => pathToString(field));
}

const webhook = (change: object) => ({
  targets: { ...good.targets, webhook: { ...good.targets.webhook, ...change } },
});
const nats = (change: object) => ({
  kind: "nats" as const,
  targets: {
    ...good.targets,
    nats: { ...good.targets.nats, urls: "nats://127.0.0.1:4222", ...change },
  },
});
const headers = (...named: [name: string, value: string][]): HeaderField[] =>
  named.map(([name, value], key) => ({ key, name, value }));
const good: FormState = {
  ...emptyForm,
  name: "billing",
  targets: {
    ...emptyForm.targets,
    webhook: { url: "https://a.test/hook", storedUrl: "", headers: [] },
  },
};
const many = (count: number, text: string) => Array.from({ length: count }, () => text).join(", ");

describe("the rules of the form", () => {
  it.each<[name: string, change: Partial<FormState>]>([
    ["little", {}],
    ["patterns", { types: "*, order.*, shop.v1.OrderCreated, a-b_c" }],
    ["long texts", { description: "\u{1f600}".repeat(1000), expression: "e".repeat(4096) }],
    ["limits", { concurrency: "1024", timeout: "2m", retrySchedule: "100ms, 7d" }],
    ["a secret", { secret: `whsec_${"A".repeat(32)}` }],
    ["headers", webhook({ headers: headers(["X-Key", "a\tb"], ["X~1", ""]) })],
    ["a NATS target", nats({ subject: "events.{type}", login: "user", user: "u", password: "p" })],
  ])("accept a form with %s, as the contract does", (_, change) => {
    expect(formFaults({ ...good, ...change })).toEqual([]);
    expect(contractFaults({ ...good, ...change })).toEqual([]);
  });

  it.each<[path: string, change: Partial<FormState>]>([
    ["name", { name: "-a" }],
    ["name", { name: "a/b" }],
    ["name", { name: "n".repeat(101) }],
    ["description", { description: "d".repeat(1001) }],
    ["filter.types", { types: "order..created" }],
    ["filter.types", { types: "order.*.created" }],
    ["filter.types", { types: many(101, "a") }],
    ["filter.types", { types: "t".repeat(258) }],
    ["filter.expression", { expression: "e".repeat(4097) }],
    ["policy.retry_schedule", { retrySchedule: "8d" }],
    ["policy.retry_schedule", { retrySchedule: "5s, 99ms" }],
    ["policy.retry_schedule", { retrySchedule: many(51, "5s") }],
    ["policy.concurrency", { concurrency: "1025" }],
    ["policy.timeout", { timeout: "3m" }],
    ["start", { startAt: "cursor", startCursor: "c".repeat(65) }],
    ["secret", { secret: "whsec_with space" }],
    ["secret", { secret: "secret" }],
    ["target.webhook.url", webhook({ url: "" })],
    ["target.webhook.url", webhook({ url: "https://a b.test" })],
    ["target.webhook.url", webhook({ url: `https://a.test/${"u".repeat(2048)}` })],
    ['target.webhook.headers["X Key"]', webhook({ headers: headers(["X Key", ""]) })],
    ['target.webhook.headers["X"]', webhook({ headers: headers(["X", "a\nb"]) })],
    ['target.webhook.headers["X"]', webhook({ headers: headers(["X", "v".repeat(2049)]) })],
    [
      "target.webhook.headers",
      webhook({
        headers: headers(...Array.from({ length: 21 }, (_, i): [string, string] => [`X${i}`, ""])),
      }),
    ],
    ["target.nats.urls", nats({ urls: "" })],
    ["target.nats.urls", nats({ urls: "http://a.test" })],
    ["target.nats.urls", nats({ urls: "nats://a:1, nats://a:1" })],
    ["target.nats.subject", nats({ subject: "" })],
    ["target.nats.subject", nats({ subject: "a.>" })],
    ["target.nats.stream", nats({ stream: "a.b" })],
    ["target.nats.user", nats({ login: "user", user: "u".repeat(257) })],
  ])("refuse a wrong %s, as the contract does", (path, change) => {
    const form = { ...good, ...change };
    expect(formFaults(form).map((fault) => fault.path)).toEqual([`subscription.${path}`]);
    const found = contractFaults(form);
    expect(found.length).toBeGreaterThan(0);
    for (const one of found) expect(covers(`subscription.${path}`, one)).toBe(true);
  });

  it.each<[path: string, change: Partial<FormState>]>([
    ["name", { name: "a  b" }],
    ["name", { name: `sub_${"0".repeat(20)}` }],
    ["secret", { secret: "whsec_AAAA" }],
    ["target.webhook.url", webhook({ url: "ftp://a.test" })],
    ["target.nats.user", nats({ login: "user", password: "p" })],
    ["target.nats.client_key", nats({ clientCertificate: "c" })],
    ["target.nats.client_certificate", nats({ clientKey: "k" })],
    ["policy.retry_schedule", { retrySchedule: "5s, soon" }],
    ["policy.timeout", { timeout: "15" }],
    ["policy.concurrency", { concurrency: "many" }],
    ["start", { startAt: "time" }],
    ["start", { startAt: "cursor" }],
    ['target.webhook.headers["x-a"]', webhook({ headers: headers(["X-A", ""], ["x-a", ""]) })],
    ['target.webhook.headers[""]', webhook({ headers: headers(["", "v"]) })],
  ])("refuse a wrong %s, which the server would later or could not see", (path, change) => {
    const faults = formFaults({ ...good, ...change });
    expect(faults.map((fault) => fault.path)).toEqual([`subscription.${path}`]);
  });

  it("name all that is wrong at once", () => {
    const wrong = { ...emptyForm, types: "a..b", timeout: "soon", concurrency: "x" };
    expect(formFaults(wrong).map(({ path }) => path)).toEqual([
      "subscription.name",
      "subscription.filter.types",
      "subscription.policy.concurrency",
      "subscription.policy.timeout",
      "subscription.target.webhook.url",
    ]);
  });
});
