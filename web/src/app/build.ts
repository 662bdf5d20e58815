/** How long a check's result holds, where nothing says that the server was restarted. */
const freshMs = 10_000;
/** An index that takes longer is no reason to keep anybody waiting, or to load a page anew under their hands. */
const limitMs = 5000;
const reloadsKey = "postrider.reloads";
const shortestReloadMs = 1000;
const longestReloadMs = 60_000;
/** After this long without a reload, the next one is a first one. */
const forgottenMs = 300_000;

interface Reloads {
  at: number;
  count: number;
}

/**
 * Tells the build of the UI that runs in this document from the one that the server has now. Each build's script has a hash
 * in its name, and the index names the script.
 */
export class Build {
  readonly #own: string | undefined;
  readonly #reload: () => void;
  #served: string | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #checking: Promise<void> | undefined;

  constructor(own = scriptOf(document), reload = () => window.location.reload()) {
    this.#own = own;
    this.#reload = reload;
  }

  /** The server has another build than this document, as far as is known. */
  get isOld(): boolean {
    return this.#own !== undefined && this.#served !== undefined && this.#served !== this.#own;
  }

  /** Reads the index again. A server that is away leaves everything as it was. */
  async check(): Promise<void> {
    if (this.#own === undefined) return;
    this.#checking ??= this.#read().finally(() => {
      this.#checking = undefined;
    });
    await this.#checking;
  }

  /** Reads the index unless that was done a moment ago. */
  async checkNowAndThen(): Promise<void> {
    if (Date.now() - this.#checkedAt > freshMs) await this.check();
  }

  /**
   * Loads the document again if the server has all that it needs: otherwise a page that still works would be lost. Reloads in
   * a row wait longer and longer, so that a server whose files do not fit together is not flooded.
   */
  async reload(): Promise<boolean> {
    const script = await readIndex();
    if (script === undefined || !(await exists(script))) return false;
    if (!mayReload(Date.now())) return false;
    this.#reload();
    return true;
  }

  async #read(): Promise<void> {
    const served = await readIndex();
    if (served === undefined) return;
    this.#served = served;
    this.#checkedAt = Date.now();
  }
}

function scriptOf(page: Document): string | undefined {
  return page.querySelector("script[type=module][src]")?.getAttribute("src") ?? undefined;
}

/** The script of the index that the server has; undefined if there is no index of ours, as from a proxy. */
async function readIndex(): Promise<string | undefined> {
  const response = await ask("/", "GET");
  const isPage = response?.ok && response.headers.get("Content-Type")?.startsWith("text/html");
  const text = isPage ? await response.text().catch(() => "") : "";
  return scriptOf(new DOMParser().parseFromString(text, "text/html"));
}

async function exists(script: string): Promise<boolean> {
  const response = await ask(script, "HEAD");
  return response?.ok === true && /javascript/.test(response.headers.get("Content-Type") ?? "");
}

async function ask(path: string, method: "GET" | "HEAD"): Promise<Response | undefined> {
  const signal = AbortSignal.timeout(limitMs);
  const headers = { Accept: method === "GET" ? "text/html" : "*/*" };
  return fetch(path, { method, headers, signal, cache: "no-store" }).catch(() => undefined);
}

function mayReload(now: number): boolean {
  try {
    const before = readReloads();
    const count = now - before.at > forgottenMs ? 0 : before.count;
    const waitMs = count === 0 ? 0 : Math.min(longestReloadMs, shortestReloadMs * 2 ** count);
    if (now - before.at < waitMs) return false;
    sessionStorage.setItem(reloadsKey, JSON.stringify({ at: now, count: count + 1 }));
    return true;
  } catch {
    // Without storage nothing would end a loop of reloads.
    return false;
  }
}

function readReloads(): Reloads {
  const read: Partial<Reloads> = JSON.parse(sessionStorage.getItem(reloadsKey) ?? "{}");
  return { at: Number(read.at) || 0, count: Number(read.count) || 0 };
}
