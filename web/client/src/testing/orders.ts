import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type OrderCreated, OrderCreatedSchema } from "../../examples/gen/shop/v1/order_pb.js";

/** An order that the shop's rules allow. */
export function order(): OrderCreated {
  return create(OrderCreatedSchema, {
    orderId: "42",
    channel: 1,
    lines: [{ sku: "TEA-1", quantity: 2, unitPrice: { currency: "EUR", minorUnits: 999n } }],
    total: { currency: "EUR", minorUnits: 1998n },
    ledgerNumber: 9007199254740993n,
    createTime: timestampFromDate(new Date("2026-01-31T09:00:00Z")),
  });
}
