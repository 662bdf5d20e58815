import { describe, expect, it } from "vitest";
import { formDraft } from "./form-draft";
import { emptyForm, type FormState } from "./form-state";
import { hiddenValue } from "./targets/target";

const typed: FormState = {
  ...emptyForm,
  name: "billing",
  secret: "whsec_topsecret",
  targets: {
    webhook: {
      url: "https://alice:topsecret@example.com/hook",
      storedUrl: "",
      headers: [
        { key: 0, name: "Authorization", value: "Bearer topsecret" },
        { key: 1, name: "X-Stored", value: hiddenValue },
      ],
    },
    nats: {
      ...emptyForm.targets.nats,
      urls: "nats://bob:topsecret@127.0.0.1:4222, nats://127.0.0.1:4223",
      user: "bob",
      password: "topsecret",
      token: "topsecret",
      nkeySeed: "SUtopsecret",
      credentials: "topsecret",
      clientKey: "topsecret",
    },
  },
};

const kept = () => JSON.parse(JSON.stringify(formDraft.write(typed)));

describe("what is kept of the form", () => {
  it("has no secrets", () => expect(JSON.stringify(kept())).not.toContain("topsecret"));

  it("has everything else", () => {
    const { name, targets } = formDraft.read(kept()) ?? emptyForm;
    expect(name).toBe("billing");
    expect(targets.webhook.url).toBe("https://example.com/hook");
    expect(targets.webhook.headers).toEqual([
      { key: 0, name: "Authorization", value: "" },
      { key: 1, name: "X-Stored", value: hiddenValue },
    ]);
    expect(targets.nats).toMatchObject({
      urls: "nats://127.0.0.1:4222, nats://127.0.0.1:4223",
      user: "bob",
      password: "",
    });
  });

  it("is not read where the form has become another one", () => {
    expect(formDraft.read({ ...kept(), kind: "carrier-pigeon" })).toBeUndefined();
    expect(formDraft.read({ ...kept(), timeout: 15 })).toBeUndefined();
    expect(formDraft.read(undefined)).toBeUndefined();
  });
});
