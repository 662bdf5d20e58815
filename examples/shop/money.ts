import type { Money } from "#gen/shop/v1/money_pb";

/** As people read it: "19.99 EUR". Without floating point, so that large amounts come out right. */
export function inWords(money: Money): string {
  const digits = money.minorUnits.toString().padStart(3, "0");
  return `${digits.slice(0, -2)}.${digits.slice(-2)} ${money.currency}`;
}
