import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const server = process.env.POSTRIDER_URL ?? "http://127.0.0.1:8080";

/** Whether a module is a library that every page needs. */
function isVendor(id: string): boolean {
  if (/node_modules\/uplot\//.test(id)) return false;
  const rules = /node_modules\/@bufbuild\/(cel|cel-spec|re2|protovalidate)\//.test(id);
  return /node_modules/.test(id) && (!rules || /protovalidate\/.*\/gen\//.test(id));
}

export default defineConfig({
  // Every text that is shown goes through ui/jsx, which makes it visible.
  plugins: [react({ jsxImportSource: "@/ui/jsx" })],
  resolve: {
    alias: [
      { find: /^#gen\/(.*)$/, replacement: `${here("../gen/es")}/$1.ts` },
      { find: /^@postrider\/client$/, replacement: here("./client/src/index.ts") },
      {
        find: /^@postrider\/client\/(light|react|react-query)$/,
        replacement: `${here("./client/src")}/$1/index.ts`,
      },
      { find: /^@\//, replacement: `${here("./src")}/` },
    ],
    // The generated code lies outside this folder; it has to meet the same protobuf runtime.
    dedupe: ["@bufbuild/protobuf", "@bufbuild/protovalidate"],
  },
  build: {
    // light-dark() in the stylesheet sets the bar.
    target: ["chrome123", "edge123", "firefox121", "safari17.5"],
    // The server's policy allows no data: fonts or scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The vendor chunk: React, the router, queries, Connect and the protobuf runtime; 153 kB gzip.
    chunkSizeWarningLimit: 600,
    // What changes rarely stays in the browser's cache over updates of what changes often.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // The rules of schemas and their CEL are for the playground alone, and stay in its own chunk. Only their
            // messages are for all: the errors of every call carry them.
            { name: "vendor", test: isVendor },
            { name: "contract", test: /gen\/es/ },
          ],
        },
      },
    },
  },
  server: {
    port: 5173,
    proxy: {
      "^/postrider\\.v1\\.": { target: server },
    },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
    testTimeout: 20_000,
    // A failed query prints this much of the page.
    env: { DEBUG_PRINT_LIMIT: "3000" },
  },
});
