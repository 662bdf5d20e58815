import { vi } from "vitest";

/** What a browser's page tells of itself, with a count of who listens. */
export class FakePage {
  readonly #window = new EventTarget();
  readonly #document = new EventTarget();
  listeners = 0;

  constructor() {
    vi.stubGlobal("navigator", { onLine: true });
    const window = this.#counted(this.#window);
    vi.stubGlobal("addEventListener", window.addEventListener);
    vi.stubGlobal("removeEventListener", window.removeEventListener);
    vi.stubGlobal("document", { hidden: false, ...this.#counted(this.#document) });
  }

  network(isThere: boolean): void {
    vi.stubGlobal("navigator", { onLine: isThere });
    this.#window.dispatchEvent(new Event(isThere ? "online" : "offline"));
  }

  show(isShown: boolean): void {
    Object.assign(document, { hidden: !isShown });
    this.#document.dispatchEvent(new Event("visibilitychange"));
  }

  #counted(target: EventTarget) {
    return {
      addEventListener: (name: string, listener: () => void) => {
        this.listeners++;
        target.addEventListener(name, listener);
      },
      removeEventListener: (name: string, listener: () => void) => {
        this.listeners--;
        target.removeEventListener(name, listener);
      },
    };
  }
}
