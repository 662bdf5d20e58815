import { describe, expect, it } from "vitest";
import { formDraft, stillLost } from "./form-draft";
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

const { write, read } = formDraft(emptyForm);
const store = (form: FormState, lost: string[] = []) =>
  JSON.parse(JSON.stringify(write({ form, lost })));

describe("what is kept of the form", () => {
  it("has no secrets", () => expect(JSON.stringify(store(typed))).not.toContain("topsecret"));

  it("has no header that was pasted into the field of its name", () => {
    const headers = [{ key: 0, name: "Authorization: Bearer topsecret", value: "" }];
    const webhook = { ...typed.targets.webhook, headers };
    const stored = store({ ...typed, targets: { ...typed.targets, webhook } });
    expect(JSON.stringify(stored)).not.toContain("topsecret");
    expect(stored.lost).toContain("subscription.target.webhook.headers");
  });

  it("has everything else, and says what is missing", () => {
    const { form, lost } = read(store(typed)) ?? { form: emptyForm, lost: [] };
    expect(form.name).toBe("billing");
    expect(form.targets.webhook.headers).toEqual([
      { key: 0, name: "Authorization", value: "" },
      { key: 1, name: "X-Stored", value: hiddenValue },
    ]);
    expect(form.targets.nats).toMatchObject({ user: "bob", password: "" });
    expect(lost).toEqual([
      "subscription.target.webhook.url",
      'subscription.target.webhook.headers["Authorization"]',
      "subscription.secret",
    ]);
  });

  it.each([
    ["https://example.com/hook", "https://example.com"],
    ["http://127.0.0.1:9900/hook?key=topsecret", "http://127.0.0.1:9900"],
    ["https://[::1]:9900#topsecret", "https://[::1]:9900"],
    ["https://alice:topsecret@example.com/hook", ""],
    ["https://alice:top,secret/x@example.com/hook", ""],
    ["https://example.com/@topsecret", ""],
    ["https://topsecret", ""],
    ["topsecret/", ""],
  ])("of the address %s is %s", (url, kept) => {
    const { targets } = emptyForm;
    const form = { ...emptyForm, targets: { ...targets, webhook: { ...targets.webhook, url } } };
    expect(read(store(form))?.form.targets.webhook.url).toBe(kept);
    expect(read(store(form))?.lost).toEqual(["subscription.target.webhook.url"]);
  });

  it.each([
    ["nats://127.0.0.1:4222, tls://a.test:4223", "nats://127.0.0.1:4222, tls://a.test:4223"],
    ["nats://bob:topsecret@127.0.0.1:4222", ""],
    ["nats://bob:top,secret@127.0.0.1:4222", ""],
    ["nats://a.test:4222, nats://topsecret", "nats://a.test:4222"],
  ])("of the servers %s is %s", (urls, kept) => {
    const { targets } = emptyForm;
    const form = { ...emptyForm, targets: { ...targets, nats: { ...targets.nats, urls } } };
    expect(read(store(form))?.form.targets.nats.urls).toBe(kept);
  });

  it("leaves to the server what was not touched", () => {
    const { targets } = emptyForm;
    const url = "https://hooks.test/stored-secret";
    const headers = [{ key: 0, name: "X-Stored", value: hiddenValue }];
    const webhook = { url, storedUrl: url, headers };
    const initial = { ...emptyForm, targets: { ...targets, webhook } };
    const edit = formDraft(initial);
    const kept = edit.write({ form: { ...initial, name: "renamed" }, lost: [] });
    expect(JSON.stringify(kept)).not.toContain("stored-secret");
    expect(edit.read(JSON.parse(JSON.stringify(kept)))).toEqual({
      form: { ...initial, name: "renamed" },
      lost: [],
    });
  });

  it("remembers what was lost until it is typed again", () => {
    const lost = ["subscription.secret", "subscription.target.webhook.url"];
    expect(read(store(emptyForm, lost))?.lost).toEqual(lost);
    const again = { ...emptyForm, secret: "whsec_new" };
    expect(stillLost(lost, emptyForm, again)).toEqual(["subscription.target.webhook.url"]);
  });

  it("is not read where the form has become another one", () => {
    const kept = store(typed);
    for (const change of [{ kind: "carrier-pigeon" }, { timeout: 15 }, { targets: {} }]) {
      expect(read({ ...kept, form: { ...kept.form, ...change } })).toBeUndefined();
    }
    expect(read({ ...kept, lost: "all" })).toBeUndefined();
    expect(read(undefined)).toBeUndefined();
  });
});
