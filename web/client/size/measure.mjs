import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

/** The pages that are measured, and what each may weigh, in kilobytes of 1,000 bytes after gzip. */
export const pages = [
  { name: "page.ts", title: "a page that subscribes to two typed events", limitKB: 41.7 },
  { name: "light-page.ts", title: "the same page on @postrider/client/light", limitKB: 12 },
];

const source = `${import.meta.dirname}/../src`;

/**
 * Bundles a page as `vite build` does.
 *
 * @param {string} name
 * @returns {Promise<{ plain: number, gzip: number }>} bytes
 */
export async function measure(name) {
  const result = await build({
    root: import.meta.dirname,
    configFile: false,
    logLevel: "error",
    resolve: {
      alias: [
        { find: /^@postrider\/client$/, replacement: `${source}/index.ts` },
        { find: /^@postrider\/client\/light$/, replacement: `${source}/light/index.ts` },
        { find: /^@postrider\/client\/gen\/(.*)\.js$/, replacement: `${source}/gen/$1.ts` },
      ],
    },
    build: {
      write: false,
      target: "es2022",
      modulePreload: { polyfill: false },
      rolldownOptions: { input: `${import.meta.dirname}/${name}` },
    },
  });
  const outputs = (Array.isArray(result) ? result : [result]).flatMap((one) =>
    "output" in one ? one.output : [],
  );
  const code = outputs.map((output) => (output.type === "chunk" ? output.code : "")).join("");
  return { plain: Buffer.byteLength(code), gzip: gzipSync(code).length };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const kB = (/** @type {number} */ bytes) => (bytes / 1000).toFixed(1);
  for (const { name, title, limitKB } of pages) {
    const { plain, gzip } = await measure(name);
    console.log(`${title}: ${kB(plain)} kB, ${kB(gzip)} kB gzip, limit ${limitKB} kB`);
    if (gzip > limitKB * 1000) process.exitCode = 1;
  }
}
