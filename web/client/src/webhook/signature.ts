/*
 * Standard Webhooks (https://www.standardwebhooks.com), symmetric keys: "v1," and the base64 of HMAC-SHA256 over
 * "<id>.<unix seconds>.<body>". WebCrypto compares in constant time.
 */

const toleranceSeconds = 300;
const secretPrefix = "whsec_";
const algorithm = { name: "HMAC", hash: "SHA-256" };

/** Why a webhook is not believed. */
export type WebhookRefusal =
  | "missing_header"
  | "bad_timestamp"
  | "too_old"
  | "too_new"
  | "no_match";

const messages: Record<WebhookRefusal, string> = {
  missing_header: "webhook-id, webhook-timestamp or webhook-signature is missing",
  bad_timestamp: "webhook-timestamp is not a number of seconds",
  too_old: "webhook-timestamp is more than 5 minutes ago",
  too_new: "webhook-timestamp is more than 5 minutes ahead",
  no_match: "no signature matches",
};

/** A webhook that is not believed. */
export class WebhookVerificationError extends Error {
  override name = "WebhookVerificationError";
  readonly reason: WebhookRefusal;

  constructor(reason: WebhookRefusal) {
    super(messages[reason]);
    this.reason = reason;
  }
}

/** The three headers of a webhook. */
export interface WebhookHeaders {
  id: string | undefined;
  timestamp: string | undefined;
  signature: string | undefined;
}

/** Verifies with any of several secrets, so that a sender can change over from one to the next. */
export class WebhookVerifier {
  readonly #keys: Promise<CryptoKey[]>;

  /** Throws when a text is not a signing secret; the error does not repeat it. */
  constructor(secrets: readonly string[]) {
    if (secrets.length === 0) throw new TypeError("give at least one signing secret");
    this.#keys = Promise.all(secrets.map(readSecret).map(importKey));
    this.#keys.catch(() => {});
  }

  /** Throws a WebhookVerificationError unless the body, as it was received, was signed for now. */
  async verify(headers: WebhookHeaders, body: Uint8Array, now = Date.now()): Promise<void> {
    const { id, timestamp, signature } = headers;
    if (!id || !timestamp || !signature) throw new WebhookVerificationError("missing_header");
    checkTimestamp(timestamp, now);
    const signed = signedBytes(id, timestamp, body);
    const given = signature.split(" ").flatMap(readSignature);
    for (const key of await this.#keys) {
      for (const digest of given) {
        if (await crypto.subtle.verify(algorithm, key, digest, signed)) return;
      }
    }
    throw new WebhookVerificationError("no_match");
  }
}

/** Signs a body as Postrider does, for tests of receivers. The answer is the value of webhook-signature. */
export async function signWebhook(
  secret: string,
  id: string,
  time: Date,
  body: string | Uint8Array,
): Promise<string> {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const signed = signedBytes(id, String(Math.floor(time.getTime() / 1000)), bytes);
  const digest = await crypto.subtle.sign(algorithm, await importKey(readSecret(secret)), signed);
  return `v1,${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
}

function checkTimestamp(text: string, now: number): void {
  if (!/^(0|[1-9]\d{0,14})$/.test(text)) throw new WebhookVerificationError("bad_timestamp");
  const seconds = Number(text);
  const current = Math.floor(now / 1000);
  if (seconds < current - toleranceSeconds) throw new WebhookVerificationError("too_old");
  if (seconds > current + toleranceSeconds) throw new WebhookVerificationError("too_new");
}

function signedBytes(id: string, timestamp: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`${id}.${timestamp}.`);
  const signed = new Uint8Array(head.length + body.length);
  signed.set(head);
  signed.set(body, head.length);
  return signed;
}

/** The digest of a v1 signature; signatures of other versions, and what is not base64, are passed over. */
function readSignature(text: string): Uint8Array<ArrayBuffer>[] {
  const bytes = text.startsWith("v1,") ? decodeBase64(text.slice(3)) : undefined;
  return bytes ? [bytes] : [];
}

function readSecret(text: string): Uint8Array<ArrayBuffer> {
  const key = text.startsWith(secretPrefix)
    ? decodeBase64(text.slice(secretPrefix.length))
    : undefined;
  if (!key || key.length < 24 || key.length > 64) {
    throw new TypeError('a signing secret is "whsec_" and the base64 of 24 to 64 bytes');
  }
  return key;
}

function importKey(key: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key, algorithm, false, ["sign", "verify"]);
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
