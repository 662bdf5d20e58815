import { type LiveStatus, PostriderError } from "@postrider/client";
import { describe, expect, it } from "vitest";
import { liveStateOf } from "./state";

const error = new PostriderError("unavailable", "stopping");
const cause = new TypeError("network error");
const refused = new PostriderError("permission_denied", "no", { cause });
const retryAt = new Date(1000);

describe("liveStateOf", () => {
  it.each<[LiveStatus, object]>([
    [{ state: "connecting" }, { kind: "connecting" }],
    [
      { state: "connecting", error, retryAt },
      { kind: "reconnecting", retryAt: 1000 },
    ],
    [{ state: "catching-up" }, { kind: "catching-up" }],
    [{ state: "live" }, { kind: "live" }],
    [
      { state: "offline", error, retryAt },
      { kind: "offline", retryAt: 1000 },
    ],
    [{ state: "ended" }, { kind: "connecting" }],
    [
      { state: "ended", error },
      { kind: "failed", cause: error },
    ],
    [
      { state: "ended", error: refused },
      { kind: "failed", cause },
    ],
  ])("says of %j %j", (status, state) => {
    expect(liveStateOf(status)).toEqual(state);
  });
});
