import { createClient } from "@postrider/client/light";
import type { ShopEvents } from "../page/orders";
import type { Access } from "./postrider";
import { newOrder, steps } from "./steps";

const articles = ["MUG-BLUE", "LAMP-OAK", "CHAIR-ASH"];
const histories: string[][] = [
  [],
  ["pay"],
  ["pay", "ship"],
  [],
  ["pay"],
  ["pay", "cancel"],
  ["cancel"],
];

/** Gives the board a history: orders that have come as far as the steps in `histories`. */
export async function seed(access: Access): Promise<void> {
  const shop = createClient<ShopEvents>(access);
  for (const [index, history] of histories.entries()) {
    const sku = articles[index % articles.length];
    const order = newOrder([{ sku, quantity: 1 + (index % 4) }]);
    await shop.publish("shop.v1.OrderCreated", order);
    for (const step of history) await steps[step]?.(shop, order);
  }
}
