import type { Client } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import { useSyncExternalStore } from "react";
import type { DeliveryService, EventDeliveries } from "#gen/postrider/v1/delivery_pb";

/** The server counts this many events in one call. */
const eventsPerCall = 50;
/** More events than this are forgotten when others come into sight. */
const most = 2000;
/** Rows that come into sight within this time are counted together; a fast scroll counts nothing on its way. */
const settleMs = 150;
/** A new event's deliveries are counted a few times in quick succession, since they have just begun. */
const quickReads = 3;
const quickMs = 2000;
/** The waits between later counts: while something is open, and when all is settled. */
const openMs = 5000;
const settledMs = 60_000;

interface Known {
  counts: EventDeliveries | undefined;
  reads: number;
  dueAt: number;
}

/**
 * The deliveries of the events in sight, counted by state. They are polled, only for rows in sight and only in a tab that is
 * shown: the tab's one stream belongs to the list itself.
 */
export class Outcomes {
  readonly #client: Client<typeof DeliveryService>;
  readonly #tenant: string;
  readonly #known = new Map<string, Known>();
  readonly #listeners = new Set<() => void>();
  #sight: readonly string[] = [];
  #opened: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isReading = false;
  #isClosed = false;

  constructor(client: Client<typeof DeliveryService>, tenant: string) {
    this.#client = client;
    this.#tenant = tenant;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get(id: string): EventDeliveries | undefined {
    return this.#known.get(id)?.counts;
  }

  /** The events in sight, and the one whose detail is open: its deliveries may be retried at any time. */
  show(ids: readonly string[], opened: string | undefined): void {
    this.#sight = ids;
    this.#opened = opened;
    if (this.#known.size > most) this.#forget();
    this.#schedule(settleMs);
  }

  /** Begins, or begins again after a stop. */
  open(): void {
    this.#isClosed = false;
    document.addEventListener("visibilitychange", this.#onVisibility);
    this.#schedule(settleMs);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#onVisibility);
  }

  readonly #onVisibility = () => this.#schedule(settleMs);

  #forget(): void {
    const kept = new Set(this.#sight);
    for (const id of this.#known.keys()) if (!kept.has(id)) this.#known.delete(id);
  }

  #schedule(inMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed || this.#isReading || document.visibilityState === "hidden") return;
    this.#timer = setTimeout(() => void this.#read(), inMs);
  }

  async #read(): Promise<void> {
    const now = Date.now();
    const due = this.#sight.filter((id) => (this.#known.get(id)?.dueAt ?? 0) <= now);
    let waitMs = quickMs;
    this.#isReading = true;
    try {
      for (let at = 0; at < due.length && !this.#isClosed; at += eventsPerCall) {
        await this.#count(due.slice(at, at + eventsPerCall));
      }
    } catch (cause) {
      waitMs = openMs;
      // Without the permission the list has no dots.
      if (ConnectError.from(cause).code === Code.PermissionDenied) this.close();
    }
    this.#isReading = false;
    if (this.#sight.length > 0) this.#schedule(waitMs);
  }

  async #count(eventIds: string[]): Promise<void> {
    const { events } = await this.#client.countDeliveries({ tenant: this.#tenant, eventIds });
    const counted = new Map(events.map((counts) => [counts.eventId, counts]));
    const now = Date.now();
    for (const id of eventIds) {
      const counts = counted.get(id);
      const was = this.#known.get(id);
      const reads = (was?.reads ?? 0) + 1;
      // The same object as before, so that a row whose counts are the same is not drawn again.
      const kept = was?.counts && counts && isSame(was.counts, counts) ? was.counts : counts;
      this.#known.set(id, { counts: kept, reads, dueAt: now + this.#waitOf(id, reads, counts) });
    }
    for (const listener of [...this.#listeners]) listener();
  }

  #waitOf(id: string, reads: number, counts: EventDeliveries | undefined): number {
    if (reads < quickReads) return quickMs;
    const isOpen = counts && counts.pending + counts.retrying > 0;
    return isOpen || id === this.#opened ? openMs : settledMs;
  }
}

function isSame(a: EventDeliveries, b: EventDeliveries): boolean {
  return (
    a.pending === b.pending &&
    a.retrying === b.retrying &&
    a.delivered === b.delivered &&
    a.dead === b.dead &&
    a.more === b.more
  );
}

/** The counts of one event, kept current while it is in sight; undefined until they are known. */
export function useOutcome(outcomes: Outcomes, id: string): EventDeliveries | undefined {
  return useSyncExternalStore(outcomes.subscribe, () => outcomes.get(id));
}
