import { PostriderError } from "./error.js";
import { isSendable } from "./request.js";

/** Lets a page in that has no key; see CreateStreamTicket. It opens streams and nothing else. */
export interface Ticket {
  readonly ticket: string;
}

/**
 * Who calls: an API key, or a function that is asked for a token before every call and every connection. It is given the
 * token that the server has refused, or that is about to expire, so that whoever keeps tokens gets a fresh one.
 */
export type Credentials<Token = string> =
  | { key: string; token?: undefined }
  | { token: (stale?: Token) => Promise<Token> | Token; key?: undefined }
  | { key?: undefined; token?: undefined };

const unsendable = "cannot be sent in a header";

/** Knows the credentials of a client, and which were refused. */
export class Access<Token = string> {
  readonly #credentials: Credentials<Token>;
  #last: Token | undefined;
  #stale: Token | undefined;

  constructor(credentials: Credentials<Token>) {
    const { key } = credentials;
    if (key !== undefined && !isSendable(key)) throw new TypeError(`the key ${unsendable}`);
    this.#credentials = credentials;
  }

  /** Says that the credentials given last are good no more. Absent where there are no others to be had. */
  get refuse(): (() => void) | undefined {
    if (!this.#credentials.token) return undefined;
    return () => {
      this.#stale = this.#last;
    };
  }

  /** What to send. Where no token can be had for now, the call fails as if the server could not be reached. */
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
