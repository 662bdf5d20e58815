// Publishes and reads with both TypeScript clients until its input ends, and says on each line what came of it.
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, timestampNow } from "@bufbuild/protobuf/wkt";

const [dist, descriptors, url, key, name] = process.argv.slice(2);
const rpc = await import(`${dist}/index.js`);
const light = await import(`${dist}/light/index.js`);
const set = fromBinary(FileDescriptorSetSchema, readFileSync(descriptors));
const schema = createFileRegistry(set).getMessage("shop.v1.OrderCancelled");

const cancelTime = timestampNow();
const text = new Date().toISOString();
const say = (...words) => process.stdout.write(`${words.join(" ")}\n`);
let stopping = false;
process.stdin.on("end", () => {
  stopping = true;
});
process.stdin.resume();

const clients = {
  rpc: {
    client: rpc.createClient({ url, key }),
    publish: (client, id, signal) => client.publish(schema, { orderId: id, cancelTime }, { id, signal }),
    subscribe: (client, options) => client.subscribe([schema], options),
  },
  light: {
    client: light.createClient({ url, key }),
    publish: (client, id, signal) =>
      client.publish("shop.v1.OrderCancelled", { orderId: id, cancelTime: text }, { id, signal }),
    subscribe: (client, options) => client.subscribe(["shop.v1.OrderCancelled"], options),
  },
};

for (const [kind, { client, publish, subscribe }] of Object.entries(clients)) {
  const options = {
    start: "earliest",
    heartbeatMs: 1000,
    onEvent: ({ id }) => say("seen", kind, id),
    onEnd: (error) => say("ended", kind, error),
  };
  subscribe(client, options);
  void (async () => {
    for (let n = 0; !stopping; n++) {
      const id = `${name}-${kind}-${n}`;
      try {
        await publish(client, id, AbortSignal.timeout(120_000));
        say("acked", kind, id);
      } catch (error) {
        say("ended", kind, error);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    say("stopped", kind, "-");
  })();
}
