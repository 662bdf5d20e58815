import type { DescMessage } from "@bufbuild/protobuf";
import { type DataOf, type EventSource, eventTypeOf, schemaOf } from "../event-type.js";
import { messageFromJson, type ParsedJson } from "../json.js";
import { BodyTooLargeError, readBody } from "./body.js";
import { readDocument, type WebhookEvent } from "./document.js";
import { type WebhookHeaders, WebhookVerificationError, WebhookVerifier } from "./signature.js";

/** Slightly more than the largest request that a server accepts by default. */
const defaultMaxBytes = 20 * 1024 * 1024;

export interface WebhookHandlerOptions {
  /** Signing secrets ("whsec_…"): of several subscriptions, or the old and the new one during a rotation. */
  secrets: readonly string[];
  /** Called with errors of handlers and with data that does not fit its schema; default: `console.error`. */
  onError?: ((error: unknown, event: WebhookEvent) => void) | undefined;
  /** The maximum size of a body; default: 20 MiB. */
  maxBytes?: number | undefined;
}

/** Handles an event. The response is 2xx when it has ended, and 500 if it throws. */
export type EventHandler<Data> = (data: Data, event: WebhookEvent) => void | Promise<void>;

/** The response to a webhook. */
export interface WebhookReply {
  readonly status: number;
  /** Text for people who read the record of the attempt; empty on success. */
  readonly text: string;
}

/** What `node` needs of a request: an http.IncomingMessage has it. */
export interface NodeRequest extends AsyncIterable<Uint8Array> {
  readonly method?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly readableEnded?: boolean;
  readonly readableDidRead?: boolean;
  readonly destroyed?: boolean;
}

/** What `node` needs of a response: an http.ServerResponse has it. */
export interface NodeResponse {
  readonly headersSent?: boolean;
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(text: string): unknown;
}

interface Route {
  schema: DescMessage;
  handle: EventHandler<never>;
}

/** Creates a receiver of webhooks. */
export function webhookHandler(options: WebhookHandlerOptions): WebhookHandler {
  return new WebhookHandler(options);
}

/** Receives webhooks: verifies the signature, decodes the data and calls the handler of the type. */
export class WebhookHandler {
  readonly #verifier: WebhookVerifier;
  readonly #routes = new Map<string, Route>();
  readonly #onError: (error: unknown, event: WebhookEvent) => void;
  readonly #maxBytes: number;
  #unknown: (event: WebhookEvent) => void | Promise<void> = () => {};

  constructor({ secrets, onError, maxBytes }: WebhookHandlerOptions) {
    this.#verifier = new WebhookVerifier(secrets);
    this.#onError = onError ?? report;
    this.#maxBytes = maxBytes ?? defaultMaxBytes;
  }

  /** Sets the handler for events of a type. */
  on<const Source extends EventSource>(source: Source, handle: EventHandler<DataOf<Source>>): this {
    const type = eventTypeOf(source);
    if (this.#routes.has(type)) throw new TypeError(`the event type ${type} has a handler already`);
    this.#routes.set(type, { schema: schemaOf(source), handle });
    return this;
  }

  /** Sets the handler for events of all other types. Without it, they are accepted and ignored. */
  onUnknown(handle: (event: WebhookEvent) => void | Promise<void>): this {
    this.#unknown = handle;
    return this;
  }

  /** Handles a request of the Fetch API and returns the response. */
  readonly fetch = async (request: Request): Promise<Response> => {
    const header = (name: string) => request.headers.get(name) ?? undefined;
    const isRead = request.bodyUsed || request.body?.locked;
    const body = isRead ? undefined : request.body;
    const { status, text } = await this.#answer(request.method, header, body);
    return new Response(text || null, { status, headers: replyHeaders(status) });
  };

  /** Handles a request of node:http and frameworks built on it. No body parser may have read the body before. */
  readonly node = async (request: NodeRequest, response: NodeResponse): Promise<void> => {
    const header = (name: string) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    };
    const isRead = request.readableEnded || request.readableDidRead || request.destroyed;
    const body = isRead ? undefined : request;
    const { status, text } = await this.#answer(request.method ?? "", header, body);
    if (response.headersSent) return; // Somebody else has answered.
    response.writeHead(status, replyHeaders(status));
    response.end(text);
  };

  /** Handles a body that was already read, as it was sent. */
  async handle(headers: WebhookHeaders, body: Uint8Array): Promise<WebhookReply> {
    let event: WebhookEvent;
    let data: ParsedJson;
    try {
      await this.#verifier.verify(headers, body);
      [event, data] = readDocument(body);
    } catch (error) {
      const status = error instanceof WebhookVerificationError ? 401 : 400;
      return { status, text: error instanceof Error ? error.message : String(error) };
    }
    return this.#dispatch(event, data);
  }

  async #answer(
    method: string,
    header: (name: string) => string | undefined,
    chunks: AsyncIterable<Uint8Array> | null | undefined,
  ): Promise<WebhookReply> {
    if (method !== "POST") return { status: 405, text: "webhooks are POST requests" };
    if (chunks === undefined) {
      return { status: 500, text: bodyWasRead };
    }
    let body: Uint8Array;
    try {
      body = await readBody(chunks, this.#maxBytes);
    } catch (error) {
      if (error instanceof BodyTooLargeError) return { status: 413, text: error.message };
      return { status: 400, text: "the body could not be read" };
    }
    const headers = {
      id: header("webhook-id"),
      timestamp: header("webhook-timestamp"),
      signature: header("webhook-signature"),
    };
    return this.handle(headers, body);
  }

  /** Ignores errors of onError, because the webhook still needs a response. */
  #tell(error: unknown, event: WebhookEvent): void {
    try {
      this.#onError(error, event);
    } catch (fault) {
      report(fault, event);
    }
  }

  async #dispatch(event: WebhookEvent, json: ParsedJson): Promise<WebhookReply> {
    const route = this.#routes.get(event.type);
    let data: unknown;
    try {
      data = route && messageFromJson(route.schema, json);
    } catch (error) {
      this.#tell(error, event);
      return { status: 422, text: `data is not a ${route?.schema.typeName}: ${textOf(error)}` };
    }
    try {
      await (route ? route.handle(data as never, event) : this.#unknown(event));
      return { status: 204, text: "" };
    } catch (error) {
      this.#tell(error, event);
      return { status: 500, text: "the handler failed" };
    }
  }
}

/** The response to an error of the program, not of the sender, which retries. */
const bodyWasRead =
  "the body was read before the webhook handler could verify it: mount the handler before any body parser, or pass the raw body to handle()";

function replyHeaders(status: number): Record<string, string> {
  if (status === 204) return {};
  return {
    "Content-Type": "text/plain; charset=utf-8",
    ...(status === 405 && { Allow: "POST" }),
    // What was not read of the body would be taken for the next request.
    ...(status === 413 && { Connection: "close" }),
  };
}

function report(error: unknown, event: WebhookEvent): void {
  console.error(`event ${event.id} of type ${event.type}:`, error);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
