import type { LightEvent } from "@postrider/client/light";
import type {
  OrderCancelledJson,
  OrderCreatedJson,
  OrderPaidJson,
} from "../gen/shop/v1/order_pb.js";
import type { OrderShippedJson } from "../gen/shop/v1/shipment_pb.js";

/** The data of each event type, as protoc-gen-es makes it with json_types=true. */
export interface ShopEvents {
  "shop.v1.OrderCreated": OrderCreatedJson;
  "shop.v1.OrderPaid": OrderPaidJson;
  "shop.v1.OrderShipped": OrderShippedJson;
  "shop.v1.OrderCancelled": OrderCancelledJson;
}

export type ShopEvent = LightEvent<ShopEvents>;
export type OrderState = "created" | "paid" | "shipped" | "cancelled";

export interface Order {
  readonly id: string;
  readonly state: OrderState;
  /** When it came into its state. */
  readonly time: Date;
  readonly placed: OrderCreatedJson;
}

/**
 * What an event makes of an order. One that comes too late, such as the payment of a cancelled order, changes nothing: all
 * who read the log decide alike, since they read it in the same order.
 */
export function fold(order: Order | undefined, { type, data, time }: ShopEvent): Order | undefined {
  switch (type) {
    case "shop.v1.OrderCreated":
      return order ?? { id: data.orderId ?? "", state: "created", time, placed: data };
    case "shop.v1.OrderPaid":
      return order?.state === "created" ? { ...order, state: "paid", time } : order;
    case "shop.v1.OrderShipped":
      return order?.state === "paid" && data.complete
        ? { ...order, state: "shipped", time }
        : order;
    case "shop.v1.OrderCancelled":
      return order && order.state !== "shipped" ? { ...order, state: "cancelled", time } : order;
    default:
      return order; // the shop has more types than the board shows
  }
}
