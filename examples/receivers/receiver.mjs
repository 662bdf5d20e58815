import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

const key = Buffer.from(`${process.env.WEBHOOK_SECRET}`.replace("whsec_", ""), "base64");
const sign = (content) => `v1,${createHmac("sha256", key).update(content).digest("base64")}`;

createServer(async (request, response) => {
  const body = await text(request);
  const header = (name) => `${request.headers[`webhook-${name}`]}`;
  const expected = sign(`${header("id")}.${header("timestamp")}.${body}`);
  const verified = header("signature").split(" ").includes(expected);
  console.log(verified ? "verified" : "not signed with this secret", body);
  response.writeHead(verified ? 204 : 401).end();
}).listen(3000, "localhost");
