// node.mjs BUNDLE: publishes the task that comes on standard input, prints the result.
import { pathToFileURL } from "node:url";

const { publish } = await import(pathToFileURL(process.argv[2]).href);
const chunks = await process.stdin.toArray();
console.log(JSON.stringify({ ids: await publish(JSON.parse(Buffer.concat(chunks).toString())) }));
