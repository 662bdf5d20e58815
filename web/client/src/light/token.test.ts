import { describe, expect, it, vi } from "vitest";
import { frames, refuse, refuseAsServer, stream } from "../testing/http-server.js";
import { read, serveEachTest, server, start } from "../testing/light-reader.js";

serveEachTest();

const { open, event, end } = frames;

describe("a token", () => {
  const refused = { code: "unauthenticated", message: "it has expired" };

  it("is asked for before each connection, and at once again when it is refused", async () => {
    await start(
      refuse(401, refused),
      stream(open("c0"), event("c1"), end("unauthenticated", false, "")),
      stream(open("c1"), event("c2")),
    );
    const stale: unknown[] = [];
    const token = async (old?: unknown) => `t${stale.push(old)}`;
    vi.spyOn(Math, "random").mockReturnValue(0.1);
    const { brings, retries } = read({}, { key: undefined, token });
    await brings("c1", "c2");
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer t1",
      "Bearer t2",
      "Bearer t3",
    ]);
    // The second refusal in a short time waits: whoever makes tokens may be wrong.
    expect(retries.map(({ wait }) => wait)).toEqual([0, 50]);
    expect(stale).toEqual([undefined, "t1", "t2"]);
  });

  it("that stays refused is asked for again and again, with longer and longer waits", async () => {
    await start(refuse(401, refused));
    vi.spyOn(Math, "random").mockReturnValue(0.02);
    const { retries } = read({}, { key: undefined, token: () => "t" });
    await vi.waitFor(() => expect(retries.length).toBeGreaterThan(4), 5000);
    expect(retries.slice(0, 5).map(({ wait }) => wait)).toEqual([0, 10, 20, 40, 80]);
  });

  it("that stays refused makes the stream unauthorised, not offline", async () => {
    await start(refuseAsServer(401, "unauthenticated"));
    vi.spyOn(Math, "random").mockReturnValue(0.001);
    const { retries, subscription } = read({}, { key: undefined, token: () => "wrong" });
    await vi.waitFor(() => expect(retries.length).toBeGreaterThan(5), 5000);
    expect(subscription.status.state).toBe("unauthorised");
    expect(subscription.status.error?.code).toBe("unauthenticated");
  });

  it("can be a ticket, which goes into the address", async () => {
    await start(stream(open("c0"), event("c1")));
    const { brings } = read({}, { key: undefined, token: () => ({ ticket: "T/1" }) });
    await brings("c1");
    expect(server.parameters("ticket")).toEqual(["T/1"]);
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });

  it("that cannot be had for now is asked for later", async () => {
    await start(stream(open("c0"), event("c1")));
    let calls = 0;
    const token = async () => {
      if (++calls < 3) throw new TypeError("fetch failed");
      return "t";
    };
    const { brings, retries } = read({}, { key: undefined, token });
    await brings("c1");
    expect(retries.map(({ code }) => code)).toEqual(["unavailable", "unavailable"]);
  });

  it("lets an open stream go on when the ticket is about to end", async () => {
    const soon = (ms: number) => new Date(Date.now() + ms).toISOString();
    const answer: { expireTime: string }[] = [];
    await start(
      stream(open("c0", { stream: "str_1", expireTime: soon(1_200) }), event("c1")),
      (response) => {
        answer.push({ expireTime: soon(1_200) });
        response.end(JSON.stringify(answer[0]));
      },
      refuse(404, { code: "not_found" }),
      stream(open("c1"), event("c2")),
    );
    const stale: unknown[] = [];
    const token = async (old?: unknown) => ({ ticket: `t${stale.push(old)}` });
    const { brings, retries, states } = read({}, { key: undefined, token });
    await brings("c1", "c2");
    // Renewed once; the next renewal is refused, and a new connection takes its place, where the old one was.
    expect(server.requests.map(({ url }) => url.pathname)).toEqual([
      "/v1/events/stream",
      "/postrider.v1.StreamService/RenewStream",
      "/postrider.v1.StreamService/RenewStream",
      "/v1/events/stream",
    ]);
    expect(JSON.parse(server.requests[1]?.body ?? "")).toEqual({
      id: "str_1",
      tenant: "",
      ticket: "t2",
    });
    expect(stale).toEqual([undefined, { ticket: "t1" }, { ticket: "t2" }, undefined]);
    expect(server.parameters("start").at(-1)).toBe("c1");
    expect(retries).toEqual([]);
    expect(states).toEqual(["live", "connecting", "live"]);
  });

  it("is asked for before the stream expires where that names no id", async () => {
    const expireTime = new Date(Date.now() + 4_000).toISOString();
    await start(stream(open("c0", { expireTime }), event("c1")), stream(open("c1"), event("c2")));
    const stale: unknown[] = [];
    const token = async (old?: unknown) => `t${stale.push(old)}`;
    const { brings, retries, states } = read({}, { key: undefined, token });
    await brings("c1", "c2");
    expect(Date.parse(expireTime)).toBeGreaterThan(Date.now());
    expect(stale).toEqual([undefined, "t1"]);
    expect(retries).toEqual([]);
    expect(states).toEqual(["live", "connecting", "live"]);
  });
});
