import { resolve } from "node:path";
import { Postrider } from "../../e2e/postrider";

/** A real server that knows the shop's event types. */
export function startServer(): Promise<Postrider> {
  return Postrider.start(
    "--schemas",
    resolve(import.meta.dirname, "../../../gen/descriptors/shop.v1.binpb"),
  );
}
