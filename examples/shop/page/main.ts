// The shop's screen: every order with its state, live.
import { createClient } from "@postrider/client";
import {
  type OrderCreated,
  OrderCreatedSchema,
  type OrderPaid,
  OrderPaidSchema,
} from "#gen/shop/v1/order_pb";
import { inWords } from "../money";

const status = document.querySelector("#status") as HTMLElement;
const orders = document.querySelector("#orders") as HTMLElement;

// The page's own server passes calls on and adds the key: no browser holds one.
const client = createClient({ url: location.origin });

function showOrder({ orderId, ledgerNumber, total }: OrderCreated): void {
  const row = document.createElement("tr");
  row.id = `order-${orderId}`;
  for (const text of [orderId, ledgerNumber.toString(), total ? inWords(total) : "", "placed"]) {
    row.append(Object.assign(document.createElement("td"), { textContent: text }));
  }
  orders.prepend(row);
}

function showPayment({ orderId, method }: OrderPaid): void {
  const state = document.querySelector(`#order-${CSS.escape(orderId)} td:last-child`);
  if (state) state.textContent = method.case === "card" ? `paid by ${method.value.brand}` : "paid";
}

const events = client.subscribe([OrderCreatedSchema, OrderPaidSchema], {
  start: "earliest",
  onBegin: () => {
    status.textContent = "Live";
  },
  onRetry: (error) => {
    status.textContent = `Connecting again: ${error.message}`;
  },
});

try {
  for await (const event of events) {
    switch (event.$typeName) {
      case "shop.v1.OrderCreated":
        showOrder(event.data);
        break;
      case "shop.v1.OrderPaid":
        showPayment(event.data);
        break;
    }
  }
} catch (error) {
  status.textContent = `Stopped: ${error instanceof Error ? error.message : String(error)}`;
}
