import { PostriderError } from "./error.js";

/*
 * Afterwards a mistake looks like a lost network, for fetch throws a TypeError for both. What can be known to be one is
 * found before anything is sent.
 */

/** Throws unless a server can be at this URL. A relative one is of the page's own origin. */
export function checkUrl(url: string): void {
  if (/^(https?:\/\/[^/?#@\s]+)?(\.{0,2}\/[^?#]*)?$/i.test(url)) return;
  throw new TypeError('the URL begins with "https://", "http://" or "/"');
}

/** Says whether a key can be sent in a header. */
export function isSendable(key: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(key);
}

/**
 * Sends a request by the global fetch. A redirect is not followed, for it leads to a page for people. Throws a mistake where this
 * runtime cannot even make the request, as without a page a relative URL.
 */
export const fetchOnce: typeof fetch = (address, init) => {
  const options: RequestInit = { ...init, redirect: "manual" };
  try {
    new Request(address, { ...options, signal: null });
  } catch (cause) {
    throw new PostriderError("invalid_argument", `no request: ${cause}`);
  }
  return fetch(address, options);
};

/** Success that is not the server's, such as a page that a proxy shows in its place. */
export function foreign(): PostriderError {
  return new PostriderError("unavailable", "the answer is not a Postrider server's");
}

/** Whether an answer acknowledges the event of this id. */
export function acknowledges(
  answer: { readonly id?: unknown; readonly cursor?: unknown } | null | undefined,
  id: string | undefined,
): boolean {
  return answer?.id === id && !!answer?.cursor;
}
