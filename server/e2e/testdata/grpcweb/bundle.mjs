// bundle.mjs FOLDER: bundles producer.ts into FOLDER/producer.js, for Node and for a page.
import { fileURLToPath } from "node:url";
import { build } from "vite";

await build({
  root: fileURLToPath(new URL(".", import.meta.url)),
  configFile: false,
  logLevel: "error",
  build: {
    outDir: process.argv[2],
    lib: { entry: "producer.ts", formats: ["es"], fileName: "producer" },
  },
});
