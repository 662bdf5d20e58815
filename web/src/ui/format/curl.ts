import { visible } from "../jsx/visible";

/** Longer bodies are read from the standard input: Linux takes no longer argument than 128 KiB. */
const longestArgument = 96 << 10;

/**
 * The event as a command for the shell; KEY is an API key that may publish. Characters that act unseen are escaped, as a
 * terminal would obey them.
 */
export function curlLine(origin: string, tenant: string, event: EventAttributes): string {
  const { type, source, subject, data } = event;
  const members = [
    `"type":${JSON.stringify(type)}`,
    source !== "" && `"source":${JSON.stringify(source)}`,
    subject !== "" && `"subject":${JSON.stringify(subject)}`,
    `"data":${data}`,
  ].filter(Boolean);
  const scope = tenant === "" ? "" : `"tenant":${JSON.stringify(tenant)},`;
  const body = visible(`{${scope}"event":{${members.join(",")}}}`);
  const isLong = new TextEncoder().encode(body).length > longestArgument;
  const command = [
    `curl -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\`,
    isLong ? "  --data-binary @- \\" : `  -d '${body.replaceAll("'", `'\\''`)}' \\`,
    `  ${origin}/postrider.v1.EventService/Publish`,
  ].join("\n");
  return isLong ? `${command} <<'EVENT'\n${body}\nEVENT\n` : command;
}

/** What of an event is filled in. */
export interface EventAttributes {
  type: string;
  source: string;
  subject: string;
  /** JSON. */
  data: string;
}
