import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@postrider\/client$/, replacement: here("src/index.ts") },
      {
        find: /^@postrider\/client\/(light|react|react-query)$/,
        replacement: `${here("src")}/$1/index.ts`,
      },
      { find: /^@postrider\/client\/gen\/(.*)\.js$/, replacement: `${here("src/gen")}/$1.ts` },
      { find: /^#gen\/(.*)$/, replacement: `${here("../../gen/es")}/$1.ts` },
      { find: /^#shop\/(.*)$/, replacement: `${here("../../gen/es/shop/v1")}/$1.ts` },
    ],
  },
  test: {
    environment: "node",
    include: ["src/**/*.test.{ts,tsx}", "size/**/*.test.ts", "e2e/**/*.test.ts"],
    restoreMocks: true,
    testTimeout: 20_000,
  },
});
