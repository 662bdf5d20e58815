import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

/** What the page may weigh, in kilobytes of 1,000 bytes after gzip. */
export const limitKB = 40;

const source = `${import.meta.dirname}/../src`;

/**
 * Bundles the page as `vite build` does.
 *
 * @returns {Promise<{ plain: number, gzip: number }>} bytes
 */
export async function measure() {
  const result = await build({
    root: import.meta.dirname,
    configFile: false,
    logLevel: "error",
    resolve: {
      alias: [
        { find: /^@postrider\/client$/, replacement: `${source}/index.ts` },
        { find: /^@postrider\/client\/gen\/(.*)\.js$/, replacement: `${source}/gen/$1.ts` },
      ],
    },
    build: {
      write: false,
      target: "es2022",
      modulePreload: { polyfill: false },
      rolldownOptions: { input: `${import.meta.dirname}/page.ts` },
    },
  });
  const outputs = (Array.isArray(result) ? result : [result]).flatMap((one) =>
    "output" in one ? one.output : [],
  );
  const code = outputs.map((output) => (output.type === "chunk" ? output.code : "")).join("");
  return { plain: Buffer.byteLength(code), gzip: gzipSync(code).length };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { plain, gzip } = await measure();
  const kB = (/** @type {number} */ bytes) => (bytes / 1000).toFixed(1);
  console.log(`a page that subscribes to two typed events: ${kB(plain)} kB, ${kB(gzip)} kB gzip`);
  console.log(`limit: ${limitKB} kB gzip`);
  process.exitCode = gzip > limitKB * 1000 ? 1 : 0;
}
