package rpc_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// A tenant's key sees its own tenant; of anything else it is told that it does not exist.
func TestTenantsAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("acme")
	w.tenant("globex")
	acme, _ := w.key("acme", "acme", admin)
	globex, _ := w.key("globex", "globex", admin)

	call := func(key, procedure, body string) answer { return w.post("/postrider.v1."+procedure, key, body) }
	for _, step := range [][2]string{
		{"EventService/Publish", `{"event":{"id":"e1","type":"order.created","data":{"owner":"acme"}}}`},
		{"SubscriptionService/CreateSubscription", `{"subscription":{"name":"hook","start":"earliest","target":{"webhook":{"url":"http://127.0.0.1:1/"}}}}`},
	} {
		if got := call(acme, step[0], step[1]); got.status != 200 {
			t.Fatalf("%s answers %d %s", step[0], got.status, got.body)
		}
	}
	subID := between(call(acme, "SubscriptionService/GetSubscription", `{"id":"hook"}`).body, `"id":"`, `"`)

	for _, tt := range []struct{ procedure, body string }{
		{"EventService/GetEvent", `{"id":"e1"}`},
		{"EventService/GetEvent", `{"tenant":"acme","id":"e1"}`},
		{"EventService/ListEvents", `{"tenant":"acme"}`},
		{"EventService/ListEvents", `{"tenant":"default"}`},
		{"EventService/ListEvents", `{"tenant":"never-was"}`},
		{"EventService/Publish", `{"tenant":"acme","event":{"type":"a","data":{}}}`},
		{"SubscriptionService/GetSubscription", `{"id":"` + subID + `"}`},
		{"SubscriptionService/DeleteSubscription", `{"id":"` + subID + `"}`},
		{"SubscriptionService/RevealSubscriptionSecret", `{"tenant":"acme","id":"hook"}`},
		{"DeliveryService/ListDeliveries", `{"subscription":"` + subID + `"}`},
		{"DeliveryService/GetDelivery", `{"id":"dlv_00000000000020000000000004000000"}`},
		{"DeliveryService/RetryDelivery", `{"id":"dlv_00000000000020000000000004000000"}`},
		{"ApiKeyService/ListApiKeys", `{"tenant":"acme"}`},
		{"ApiKeyService/CreateApiKey", `{"apiKey":{"name":"x","tenant":"acme","scopes":["API_KEY_SCOPE_ADMIN"]}}`},
	} {
		if got := call(globex, tt.procedure, tt.body).error(t); got.Code != "not_found" || got.reason() != "NOT_FOUND" {
			t.Errorf("%s %s: %s %s, want not_found", tt.procedure, tt.body, got.Code, got.Message)
		}
	}
	if got := call(globex, "EventService/ListEvents", `{}`).body; strings.Contains(got, "e1") {
		t.Errorf("globex lists %s", got)
	}
	if got := call(globex, "TenantService/ListTenants", `{}`).body; strings.Contains(got, "acme") || !strings.Contains(got, "globex") {
		t.Errorf("globex lists tenants %s", got)
	}
	if got := call(globex, "EventService/Publish", `{"event":{"id":"e1","type":"order.created","data":{"owner":"globex"}}}`); got.status != 200 {
		t.Errorf("the same id in another tenant: %d %s", got.status, got.body)
	}
	if got := w.post("/postrider.v1.EventService/GetEvent", adminKey, `{"tenant":"acme","id":"e1"}`).body; !strings.Contains(got, `"owner":"acme"`) {
		t.Errorf("the server's admin reads %s", got)
	}
}

func TestAnotherTenantsKeyCannotBeRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("acme")
	w.tenant("globex")
	acme, acmeID := w.key("acme", "acme", admin)
	globex, _ := w.key("globex", "globex", admin)
	_, serverID := w.key("server", "", publish)
	for _, id := range []string{acmeID, serverID, "key_nothing"} {
		_, err := w.as(globex).keys.RevokeApiKey(t.Context(), connect.NewRequest(&postriderv1.RevokeApiKeyRequest{Id: id}))
		if codeOf(err) != "not_found" {
			t.Errorf("revoke %s: %v, want not_found", id, err)
		}
	}
	own, err := w.as(acme).keys.CreateApiKey(t.Context(), connect.NewRequest(&postriderv1.CreateApiKeyRequest{
		ApiKey: &postriderv1.ApiKey{Name: "own", Scopes: []postriderv1.ApiKeyScope{consume}},
	}))
	if err != nil || own.Msg.GetApiKey().GetTenant() != "acme" {
		t.Errorf("a key made by a tenant's admin: %v (%v), want one of the tenant", own, err)
	}
}

func TestUpdateTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("acme")
	acme, _ := w.key("acme", "acme", admin)
	update := func(key, body string) answer {
		return w.post("/postrider.v1.TenantService/UpdateTenant", key, body)
	}
	for _, step := range []struct{ body, want string }{
		{`{"tenant":{"name":"acme","typedOnly":true}}`, `"typedOnly":true`},
		{`{"tenant":{"name":"acme","displayName":"Acme","revision":"2"}}`, `"displayName":"Acme","revision":"3"`},
		{`{"tenant":{"name":"acme"},"updateMask":"typedOnly"}`, `"displayName":"Acme","revision":"4"`},
		{`{"tenant":{"name":"acme","typedOnly":true},"updateMask":"displayName,typedOnly"}`, `"revision":"5"`},
	} {
		if got := strings.ReplaceAll(update(acme, step.body).body, ": ", ":"); !strings.Contains(strings.ReplaceAll(got, ", ", ","), step.want) {
			t.Errorf("%s answers %s, want %s", step.body, got, step.want)
		}
	}
	for _, refused := range []struct{ body, code, field string }{
		{`{"tenant":{"name":"acme","revision":"1"}}`, "aborted", "revision"},
		{`{"tenant":{"name":"default","typedOnly":true}}`, "not_found", "default"},
		{`{"tenant":{}}`, "invalid_argument", "tenant.name"},
		{`{"tenant":{"name":"acme"},"updateMask":"name"}`, "invalid_argument", "update_mask.paths[0]"},
		{`{"tenant":{"name":"acme"},"updateMask":""}`, "invalid_argument", "update_mask"},
	} {
		if got := update(acme, refused.body).error(t); got.Code != refused.code || !strings.Contains(got.Message, refused.field) {
			t.Errorf("%s: %s %s, want %s with %s", refused.body, got.Code, got.Message, refused.code, refused.field)
		}
	}
	publish := w.post("/postrider.v1.EventService/Publish", acme, `{"event":{"type":"order.created","data":{}}}`).error(t)
	if publish.Code != "invalid_argument" || publish.reason() != "UNTYPED_EVENT" || !strings.Contains(publish.Message, "event.type") {
		t.Errorf("an untyped event: %s %s (%s)", publish.Code, publish.Message, publish.reason())
	}
}

func between(text, from, to string) string {
	_, rest, _ := strings.Cut(text, from)
	found, _, _ := strings.Cut(rest, to)
	return found
}
