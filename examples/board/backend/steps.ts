import type { Ack, Client } from "@postrider/client/light";
import type { MoneyJson } from "../gen/shop/v1/money_pb.js";
import type { OrderCreatedJson, OrderLineJson } from "../gen/shop/v1/order_pb.js";
import type { ShopEvents } from "../page/orders";

/** Publishes what somebody has done to an order. */
export type Step = (shop: Client<ShopEvents>, order: OrderCreatedJson) => Promise<Ack>;

/** What can be done at the board, by the names of its buttons. */
export const steps: Record<string, Step> = { place, pay, ship, cancel };

const prices: Record<string, number> = { "MUG-BLUE": 1290, "LAMP-OAK": 8900, "CHAIR-ASH": 24900 };

/** An order as the shop publishes it. What has no price the server refuses: the schema asks for one. */
export function newOrder(wanted: OrderLineJson[]): OrderCreatedJson {
  const lines = wanted.map((line) => ({ ...line, unitPrice: euros(prices[line.sku ?? ""]) }));
  const total = lines.reduce(
    (sum, { unitPrice, quantity }) => sum + Number(unitPrice?.minorUnits ?? 0) * (quantity ?? 1),
    0,
  );
  const orderId = crypto.randomUUID().slice(0, 6).toUpperCase();
  return { orderId, channel: "ORDER_CHANNEL_WEB", lines, total: euros(total), createTime: now() };
}

export function place(shop: Client<ShopEvents>, { lines = [] }: OrderCreatedJson): Promise<Ack> {
  return shop.publish("shop.v1.OrderCreated", newOrder(lines));
}

// The event's id says what can happen to an order only once: who comes second is refused, whichever browser it was.

function pay(shop: Client<ShopEvents>, { orderId, total }: OrderCreatedJson): Promise<Ack> {
  const paid = { orderId, amount: total, bankTransfer: { reference: orderId }, payTime: now() };
  return shop.publish("shop.v1.OrderPaid", paid, { id: `paid:${orderId}` });
}

function ship(shop: Client<ShopEvents>, { orderId, lines = [] }: OrderCreatedJson): Promise<Ack> {
  const contents = Object.fromEntries(lines.map(({ sku, quantity }) => [sku, quantity]));
  const parcels = [{ trackingNumber: `PR-${orderId}`, weightGrams: 1000, contents }];
  const shipped = { orderId, carrier: "postnord", parcels, shipTime: now(), complete: true };
  return shop.publish("shop.v1.OrderShipped", shipped, { id: `closed:${orderId}` });
}

function cancel(shop: Client<ShopEvents>, { orderId }: OrderCreatedJson): Promise<Ack> {
  const cancelled = { orderId, reason: "cancelled at the board", cancelTime: now() };
  return shop.publish("shop.v1.OrderCancelled", cancelled, { id: `closed:${orderId}` });
}

const now = () => new Date().toISOString();

function euros(cents: number | undefined): MoneyJson | undefined {
  return cents === undefined ? undefined : { currency: "EUR", minorUnits: String(cents) };
}
