import type { FieldFault } from "@/rpc/fault";
import { splitList } from "@/ui/format/list";
import { lengthOf } from "../../length";
import type { NatsState } from "./nats";

const mostServers = 8;
const longestServer = 512;

/** The longest text of a field, in characters; of the longer ones in bytes. */
const longest: Partial<Record<keyof NatsState, number>> = {
  subject: 256,
  stream: 255,
  user: 256,
  password: 1024,
  token: 1024,
  nkeySeed: 256,
};
const largest: Partial<Record<keyof NatsState, number>> = {
  credentials: 8192,
  caCertificates: 16_384,
  clientCertificate: 16_384,
  clientKey: 8192,
};

/** The field's path in a request, whose names are those of the message. */
export function natsPath(name: string): string {
  return `subscription.target.nats.${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

/** The rules of postrider.target.v1.Nats. */
export function natsFaults(state: NatsState): FieldFault[] {
  const faults: FieldFault[] = [];
  const say = (name: keyof NatsState, message: string | undefined) => {
    if (message) faults.push({ path: natsPath(name), message });
  };
  say("urls", serversFault(splitList(state.urls)));
  say("subject", subjectFault(state.subject.trim()));
  if (/[\s.*>/\\]/.test(state.stream.trim())) {
    say("stream", "The name of a stream has no spaces, dots, slashes, * or >.");
  }
  for (const [name, most] of Object.entries(longest) as [keyof NatsState, number][]) {
    if (lengthOf(state[name]) > most) say(name, `At most ${most} characters are allowed.`);
  }
  for (const [name, most] of Object.entries(largest) as [keyof NatsState, number][]) {
    if (new TextEncoder().encode(state[name]).length > most) {
      say(name, `At most ${most / 1024} KiB are allowed.`);
    }
  }
  if (state.login === "user" && state.user.trim() === "") say("user", "Write the user's name.");
  const [hasCertificate, hasKey] = [state.clientCertificate.trim(), state.clientKey.trim()];
  if (hasCertificate && !hasKey) say("clientKey", "A client certificate needs its key.");
  if (hasKey && !hasCertificate) say("clientCertificate", "A client key needs its certificate.");
  return faults;
}

function serversFault(urls: string[]): string | undefined {
  if (urls.length === 0) return "Write the address of a NATS server.";
  const broken = urls.find((url) => !/^(nats|tls):\/\/[^/?#@]+$/.test(url));
  if (broken !== undefined) {
    return "A server is tls://host:4222 or nats://host:4222, without a user or a path.";
  }
  if (new Set(urls).size < urls.length) return "The same server is there twice.";
  if (urls.length > mostServers) return `There may be ${mostServers} servers at most.`;
  if (urls.some((url) => lengthOf(url) > longestServer)) {
    return `An address has at most ${longestServer} characters.`;
  }
  return undefined;
}

function subjectFault(subject: string): string | undefined {
  if (subject === "") return "Write a subject, for example events.{type}.";
  if (/^[^\s*>.]+(\.[^\s*>.]+)*$/.test(subject)) return undefined;
  return "A subject is words separated by dots, without spaces, * and >.";
}
