import { createClient } from "@postrider/client";
import {
  betweenTabs,
  createClient as createLightClient,
  type LiveStatus,
} from "@postrider/client/light";
import { OrderCancelledSchema } from "../examples/gen/shop/v1/order_pb.js";

/* What the browser test of live streams calls in a page. */

/** What a page has got from its stream. */
export interface Record {
  numbers: number[];
  states: string[];
  /** The stale tokens that the token function was given. */
  asked: unknown[];
  /** Faults that nobody handled. */
  unhandled: string[];
  status: LiveStatus | undefined;
}

declare global {
  /** Told of each connection that begins, where a test puts a function there. */
  var begins: (() => void) | undefined;
}

/** Subscribes from the beginning of the log, by one of the entry points, with the tokens that the page's site hands out. */
export function watch(
  url: string,
  entry: "light" | "full",
  heartbeatMs: number,
  scope?: string,
  ticketed = false,
): Record {
  const record: Record = {
    ...{ numbers: [], states: [], asked: [], unhandled: [], status: undefined },
  };
  addEventListener("unhandledrejection", ({ reason }) => record.unhandled.push(String(reason)));
  addEventListener("error", ({ message }) => record.unhandled.push(message));
  const token = async (stale?: unknown) => {
    if (stale) record.asked.push(stale);
    return (await fetch("/token")).text();
  };
  const ticket = async (stale?: unknown) => ({ ticket: await token(stale) });
  const options = {
    start: "earliest",
    heartbeatMs,
    share: scope === undefined ? undefined : betweenTabs(scope),
    onBegin: () => globalThis.begins?.(),
    onStatus: (status: LiveStatus) => {
      record.status = status;
      if (status.state !== record.states.at(-1)) record.states.push(status.state);
      // Only the newest: a record that grows would hide what grows elsewhere.
      record.states.splice(0, record.states.length - 50);
    },
  };
  if (entry === "light") {
    createLightClient<{ "shop.v1.OrderCancelled": { orderId: string } }>({
      url,
      token: ticketed ? ticket : token,
    }).subscribe(["shop.v1.OrderCancelled"], {
      ...options,
      onEvent: ({ data }) => record.numbers.push(Number(data.orderId)),
    });
  } else {
    createClient({ url, token }).subscribe([OrderCancelledSchema], {
      ...options,
      onEvent: ({ data }) => record.numbers.push(Number(data.orderId)),
    });
  }
  return record;
}
