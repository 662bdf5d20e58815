import type { Nats } from "#gen/postrider/target/v1/nats_pb";
import type { Target } from "#gen/postrider/v1/subscription_pb";
import { fields, type Kept, nothing, oneOf, whole } from "@/store/kept";
import { splitList } from "@/ui/format/list";
import type { TargetKind } from "../target";
import { NatsFields } from "./fields";
import { natsFaults, natsPath } from "./rules";

/** How the server is told who connects. */
export type Login = "none" | "user" | "token" | "nkey" | "credentials";

/** What stands in the fields of a NATS target, as typed. */
export interface NatsState {
  urls: string;
  subject: string;
  stream: string;
  login: Login;
  user: string;
  password: string;
  token: string;
  nkeySeed: string;
  credentials: string;
  caCertificates: string;
  clientCertificate: string;
  clientKey: string;
}

const empty: NatsState = {
  urls: "",
  subject: "events.{type}",
  stream: "",
  login: "none",
  user: "",
  password: "",
  token: "",
  nkeySeed: "",
  credentials: "",
  caCertificates: "",
  clientCertificate: "",
  clientKey: "",
};

export const loginLabels: Record<Login, string> = {
  none: "none",
  user: "user and password",
  token: "token",
  nkey: "NKey",
  credentials: "credentials file",
};

/** Servers with a port are stored. Nothing is when there is an "@": a login may have commas that part it. */
const servers: Kept<string> = {
  write: (urls, initial) => {
    if (urls === initial) return undefined;
    if (urls.includes("@")) return "";
    return splitList(urls)
      .filter((url) => /^(nats|tls):\/\/[\w.:[\]-]+:\d{1,5}$/.test(url))
      .join(", ");
  },
  read: (stored, initial) => {
    if (stored === undefined) return initial;
    return typeof stored === "string" ? stored : undefined;
  },
};

export const nats: TargetKind<NatsState> = {
  label: "NATS JetStream",
  empty,
  read: (target) => {
    const config = configOf(target);
    if (!config) return undefined;
    const { urls, $typeName, $unknown, ...texts } = config;
    return { ...empty, ...texts, urls: urls.join(", "), login: loginOf(config) };
  },
  write: (state) => ({ config: { case: "nats", value: messageOf(state) } }),
  texts: ({ login, ...state }) =>
    Object.fromEntries(Object.entries(state).map(([name, text]) => [natsPath(name), text])),
  kept: fields({
    urls: servers,
    subject: whole(),
    stream: whole(),
    login: oneOf(Object.keys(loginLabels) as Login[]),
    user: whole(),
    password: nothing,
    token: nothing,
    nkeySeed: nothing,
    credentials: nothing,
    // A certificate is often in one file with its key.
    caCertificates: nothing,
    clientCertificate: nothing,
    clientKey: nothing,
  }),
  faults: natsFaults,
  Fields: NatsFields,
  place: (target) => {
    const config = configOf(target);
    return config ? `${config.urls[0] ?? ""}/${config.subject}` : "";
  },
  facts: (target) => {
    const config = configOf(target);
    return [
      ["servers", <code key="urls">{config?.urls.join(", ")}</code>],
      ["subject", <code key="subject">{config?.subject}</code>],
      ["stream", config?.stream && <code key="stream">{config.stream}</code>],
      ["login", config && loginLabels[loginOf(config)]],
    ];
  },
};

function configOf(target: Target | undefined): Nats | undefined {
  return target?.config.case === "nats" ? target.config.value : undefined;
}

function loginOf(config: Nats): Login {
  if (config.user) return "user";
  if (config.token) return "token";
  if (config.nkeySeed) return "nkey";
  return config.credentials ? "credentials" : "none";
}

/** Only what belongs to the chosen login is sent. */
function messageOf({ login, urls, ...state }: NatsState) {
  const only = (wanted: Login, text: string) => (login === wanted ? text.trim() : "");
  return {
    urls: splitList(urls),
    subject: state.subject.trim(),
    stream: state.stream.trim(),
    user: only("user", state.user),
    password: only("user", state.password),
    token: only("token", state.token),
    nkeySeed: only("nkey", state.nkeySeed),
    credentials: only("credentials", state.credentials),
    caCertificates: state.caCertificates.trim(),
    clientCertificate: state.clientCertificate.trim(),
    clientKey: state.clientKey.trim(),
  };
}
