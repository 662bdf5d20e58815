import { PostriderError } from "./error.js";
import { isSendable } from "./request.js";

/** A ticket for a page without a key; see CreateStreamTicket. It can only open streams. */
export interface Ticket {
  readonly ticket: string;
}

/**
 * The credentials: an API key, or a function that returns a token before every call and every connection. The function
 * receives the token that the server has refused, or that is about to expire, so a function that caches tokens can get
 * a fresh one.
 */
export type Credentials<Token = string> =
  | { key: string; token?: undefined }
  | { token: (stale?: Token) => Promise<Token> | Token; key?: undefined }
  | { key?: undefined; token?: undefined };

const unsendable = "cannot be sent in a header";

/** Keeps the credentials of a client, and which of them were refused. */
export class Access<Token = string> {
  readonly #credentials: Credentials<Token>;
  #last: Token | undefined;
  #stale: Token | undefined;

  constructor(credentials: Credentials<Token>) {
    const { key } = credentials;
    if (key !== undefined && !isSendable(key)) throw new TypeError(`the key ${unsendable}`);
    this.#credentials = credentials;
  }

  /** Marks the current credentials as refused. Absent if there are no others. */
  get refuse(): (() => void) | undefined {
    if (!this.#credentials.token) return undefined;
    return () => {
      this.#stale = this.#last;
    };
  }

  /**
   * The credentials to send. If there is no token at the moment, the call fails as if the server could not be reached.
   */
  async ask(): Promise<string | Token | undefined> {
    const { key, token } = this.#credentials;
    if (!token) return key;
    try {
      this.#last = await token(this.#stale);
    } catch (cause) {
      if (cause instanceof PostriderError) throw cause;
      throw new PostriderError("unavailable", "no token could be had", { cause });
    }
    if (typeof this.#last === "string" && !isSendable(this.#last)) {
      throw new PostriderError("invalid_argument", `the token ${unsendable}`);
    }
    if (this.#last !== this.#stale) this.#stale = undefined;
    return this.#last;
  }
}
