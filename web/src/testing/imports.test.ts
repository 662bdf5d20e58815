import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

/** Which layers a layer may import, itself aside. A feature sees no other feature: routes in app put them together. */
const below: Record<string, string[]> = {
  app: ["features", "live", "rpc", "store", "theme", "ui"],
  features: ["live", "rpc", "schema", "store", "theme", "ui"],
  schema: ["rpc"],
  ui: ["rpc", "store", "theme"],
  theme: ["live", "store"],
  rpc: ["store"],
  live: ["store"],
  store: [],
};

const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
  (file) => /\.tsx?$/.test(file) && !file.includes(".test.") && !file.startsWith("testing/"),
);

it.each(files)("%s imports only what lies below it", (file) => {
  const home = unit(file);
  const imports = [
    ...readFileSync(`src/${file}`, "utf8").matchAll(/(?:from|import) "@\/([^"]+)"/g),
  ];
  const targets = imports.map(([, path = ""]) => unit(path)).filter((target) => target !== home);
  const layer = home.split("/")[0] ?? "";
  for (const target of targets) expect(below[layer]).toContain(target.split("/")[0]);
});

/** What a file belongs to: its feature, or its layer. */
function unit(path: string): string {
  const [layer = "", feature = ""] = path.split("/");
  return layer === "features" ? `${layer}/${feature}` : layer;
}
