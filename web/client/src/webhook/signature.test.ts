import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { signWebhook, type WebhookHeaders, WebhookVerifier } from "./signature.js";

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const at = new Date("2021-02-25T15:02:10Z");
const body = '{"test": 2432232314, "text": "Grüße"}';
const bytes = new TextEncoder().encode(body);

async function signed(changes: Partial<WebhookHeaders> = {}): Promise<WebhookHeaders> {
  const signature = await signWebhook(secret, id, at, body);
  return { id, timestamp: String(at.getTime() / 1000), signature, ...changes };
}

const verify = (headers: WebhookHeaders, secrets = [secret], now = at.getTime()) =>
  new WebhookVerifier(secrets).verify(headers, bytes, now);

describe("WebhookVerifier", () => {
  it("accepts the vector of the specification", async () => {
    const headers = {
      id,
      timestamp: "1614265330",
      signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    };
    const vector = new TextEncoder().encode('{"test": 2432232314}');
    await new WebhookVerifier([secret]).verify(headers, vector, 1614265335_000);
  });

  it("accepts what the reference library signs", async () => {
    await verify(await signed({ signature: new Webhook(secret).sign(id, at, body) }));
  });

  it("signs what the reference library accepts", async () => {
    const now = new Date();
    const headers = {
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
      "webhook-signature": await signWebhook(secret, id, now, bytes),
    };
    expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
  });

  it("accepts any of several secrets, and any of several signatures", async () => {
    await verify(await signed(), [other, secret]);
    const { signature } = await signed();
    const both = `v1a,AAAA v1,%%% ${await signWebhook(other, id, at, body)} ${signature}`;
    await verify(await signed({ signature: both }));
    await expect(verify(await signed(), [other])).rejects.toMatchObject({ reason: "no_match" });
  });

  it.each([
    ["id", { id: "msg_other" }, "no_match"],
    ["id", { id: "" }, "missing_header"],
    ["timestamp", { timestamp: undefined }, "missing_header"],
    ["signature", { signature: undefined }, "missing_header"],
    ["timestamp", { timestamp: "1614265331" }, "no_match"],
    ["timestamp", { timestamp: "01614265330" }, "bad_timestamp"],
    ["timestamp", { timestamp: "1.6e9" }, "bad_timestamp"],
    ["timestamp", { timestamp: "now" }, "bad_timestamp"],
    ["signature", { signature: "v1," }, "no_match"],
    ["signature", { signature: "v2,g0hM9SsE" }, "no_match"],
  ])("refuses another %s: %o", async (_, changes, reason) => {
    await expect(verify(await signed(changes))).rejects.toMatchObject({ reason });
  });

  it("refuses a body that was changed by one bit", async () => {
    const changed = bytes.slice();
    changed[3] = (changed[3] ?? 0) ^ 1;
    const verifier = new WebhookVerifier([secret]);
    await expect(verifier.verify(await signed(), changed, at.getTime())).rejects.toMatchObject({
      reason: "no_match",
    });
  });

  it.each([
    [-300, undefined],
    [300, undefined],
    [-301, "too_new"],
    [301, "too_old"],
  ])("with a clock that is off by %d s finds it %s", async (seconds, reason) => {
    const outcome = verify(await signed(), [secret], at.getTime() + seconds * 1000);
    if (reason) await expect(outcome).rejects.toMatchObject({ reason });
    else await outcome;
  });

  it.each([
    [[]],
    [[""]],
    [["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]],
    [["whsec_c2hvcnQ="]],
    [["whsec_%%%"]],
  ])("takes no %o for secrets, and does not repeat them", (secrets: string[]) => {
    expect(() => new WebhookVerifier(secrets)).toThrow(/signing secret/);
    expect(() => new WebhookVerifier(secrets)).not.toThrow(/MfKQ|c2hv|%%%/);
  });
});
