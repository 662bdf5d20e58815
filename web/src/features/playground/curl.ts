/** The event as a line for the shell; KEY is an API key that may publish. */
export function curlLine(origin: string, tenant: string, event: EventAttributes): string {
  const { type, source, subject, data } = event;
  const members = [
    `"type":${JSON.stringify(type)}`,
    source !== "" && `"source":${JSON.stringify(source)}`,
    subject !== "" && `"subject":${JSON.stringify(subject)}`,
    `"data":${data}`,
  ].filter(Boolean);
  const scope = tenant === "" ? "" : `"tenant":${JSON.stringify(tenant)},`;
  const body = `{${scope}"event":{${members.join(",")}}}`;
  return [
    `curl -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\`,
    `  -d '${body.replaceAll("'", `'\\''`)}' \\`,
    `  ${origin}/postrider.v1.EventService/Publish`,
  ].join("\n");
}

/** What of an event is filled in. */
export interface EventAttributes {
  type: string;
  source: string;
  subject: string;
  /** JSON. */
  data: string;
}
