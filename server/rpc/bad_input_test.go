package rpc_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server"
)

const (
	publishPath   = "/postrider.v1.EventService/Publish"
	batchPath     = "/postrider.v1.EventService/PublishBatch"
	listPath      = "/postrider.v1.EventService/ListEvents"
	subscribePath = "/postrider.v1.SubscriptionService/CreateSubscription"
	createKeyPath = "/postrider.v1.ApiKeyService/CreateApiKey"
	updatePath    = "/postrider.v1.SubscriptionService/UpdateSubscription"
)

// anID has the form of a subscription's id.
const anID = "sub_0123456789abcdefghjk"

func event(data string) string { return `{"event":{"type":"order.created","data":` + data + `}}` }

func hookTo(url string) string {
	return `{"subscription":{"name":"bad","target":{"webhook":{"url":"` + url + `"}}}}`
}

func natsWithKey(bytes int) string {
	return `{"subscription":{"name":"bad","target":{"nats":{"urls":["tls://nats.example.com:4222"],"subject":"a","clientKey":"` +
		strings.Repeat("k", bytes) + `"}}}}`
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *server.Config) { c.MaxRequestBytes = 4 << 20 })
	if got := w.post(subscribePath, adminKey, `{"subscription":{"name":"good","filter":{"types":["none"]},"target":{"webhook":{"url":"http://127.0.0.1:1/"}}}}`); got.status != http.StatusOK {
		t.Fatal(got.body)
	}
	tests := []struct {
		name, path, body string
		code, reason     string
		// names is what the message has to name: the field, or else the cause.
		names string
	}{
		{"a name with a space at the end", subscribePath, strings.Replace(hookTo("http://127.0.0.1:1/"), "bad", "good ", 1), "invalid_argument", "INVALID_FIELD", "subscription.name"},
		{"a name like an id", subscribePath, strings.Replace(hookTo("http://127.0.0.1:1/"), "bad", anID, 1), "invalid_argument", "INVALID_FIELD", "subscription.name"},
		{"a new name like an id", updatePath, `{"subscription":{"id":"good","name":"` + anID + `"}}`, "invalid_argument", "INVALID_FIELD", "subscription.name"},
		{"a key's name with a space at the end", createKeyPath, `{"apiKey":{"name":"shop ","scopes":["API_KEY_SCOPE_PUBLISH"]}}`, "invalid_argument", "INVALID_FIELD", "api_key.name"},
		{"a key's name like an id", createKeyPath, `{"apiKey":{"name":"` + anID + `","scopes":["API_KEY_SCOPE_PUBLISH"]}}`, "invalid_argument", "INVALID_FIELD", "api_key.name"},
		{"a tenant's name with a space", "/postrider.v1.TenantService/CreateTenant", `{"tenant":{"name":"acme "}}`, "invalid_argument", "INVALID_FIELD", "tenant.name"},
		{"malformed JSON", publishPath, `{"event":{"type":`, "invalid_argument", "MALFORMED_REQUEST", "JSON"},
		{"not an object", publishPath, `[]`, "invalid_argument", "MALFORMED_REQUEST", ""},
		{"unknown field", publishPath, `{"event":{"type":"a","dta":{}}}`, "invalid_argument", "", "dta"},
		{"unknown field at the top", publishPath, `{"evnt":{}}`, "invalid_argument", "", "evnt"},
		{"field given twice", publishPath, `{"event":{"type":"a","type":"b","data":{}}}`, "invalid_argument", "", "type"},
		{"no event", publishPath, `{}`, "invalid_argument", "INVALID_FIELD", "event"},
		{"no type", publishPath, `{"event":{"data":{}}}`, "invalid_argument", "INVALID_FIELD", "event.type"},
		{"bad type", publishPath, `{"event":{"type":"a..b","data":{}}}`, "invalid_argument", "INVALID_FIELD", "event.type"},
		{"bad id", publishPath, `{"event":{"id":"a b","type":"a","data":{}}}`, "invalid_argument", "INVALID_FIELD", "event.id"},
		{"bad time", publishPath, `{"event":{"type":"a","time":"yesterday","data":{}}}`, "invalid_argument", "", "event.time"},
		{"set by the server", publishPath, `{"event":{"type":"a","acceptTime":"2026-01-01T00:00:00Z","data":{}}}`, "invalid_argument", "INVALID_FIELD", "event.accept_time"},
		{"data is no object", publishPath, event(`[1]`), "invalid_argument", "", "event.data"},
		{"data too large", publishPath, event(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`), "invalid_argument", "TOO_LARGE", "event.data"},
		{"request too large", publishPath, event(`{"a":"` + strings.Repeat("x", 4<<20) + `"}`), "invalid_argument", "TOO_LARGE", "request"},
		{"request far too large", publishPath, event(`{"a":"` + strings.Repeat("x", 8<<20) + `"}`), "invalid_argument", "TOO_LARGE", "request"},
		{"deep nesting in data", publishPath, event(`{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`), "invalid_argument", "", "event.data"},
		{"deep nesting elsewhere", publishPath, strings.Repeat(`{"event":`, 100_000), "invalid_argument", "", "event"},
		{"invalid UTF-8", publishPath, event("{\"a\":\"\xff\"}"), "invalid_argument", "", "UTF-8"},
		{"invalid UTF-8 in a type", publishPath, "{\"event\":{\"type\":\"\xff\",\"data\":{}}}", "invalid_argument", "", "UTF-8"},
		{"schema broken", publishPath, `{"event":{"type":"shop.v1.CustomerRegistered","data":` + strings.Replace(customer, "ada@example.com", "ada", 1) + `}}`, "invalid_argument", "SCHEMA_VIOLATION", "event.data.email"},
		{"schema has no such field", publishPath, `{"event":{"type":"shop.v1.CustomerRegistered","data":` + strings.Replace(customer, `"email"`, `"mail"`, 1) + `}}`, "invalid_argument", "SCHEMA_VIOLATION", "event.data.mail"},
		{"number that does not fit", publishPath, `{"event":{"type":"shop.v1.OrderCreated","data":{"lines":[{"sku":"A","quantity":1.5}]}}}`, "invalid_argument", "SCHEMA_VIOLATION", "event.data.lines[0].quantity"},
		{"batch names the index", batchPath, `{"events":[{"type":"a","data":{}},{"type":"a b","data":{}}]}`, "invalid_argument", "INVALID_FIELD", "events[1].type"},
		{"empty batch", batchPath, `{"events":[]}`, "invalid_argument", "INVALID_FIELD", "events"},
		{"bad pattern", listPath, `{"types":["order.*.x"]}`, "invalid_argument", "INVALID_FIELD", "types[0]"},
		{"bad page token", listPath, `{"pageToken":"nonsense"}`, "invalid_argument", "INVALID_PAGE_TOKEN", "page_token"},
		{"bad page size", listPath, `{"pageSize":1001}`, "invalid_argument", "INVALID_FIELD", "page_size"},
		{"tenant that is not there", listPath, `{"tenant":"nobody"}`, "not_found", "NOT_FOUND", "nobody"},
		{"bad cursor", subscribePath, `{"subscription":{"name":"bad","start":"zzz","target":{"webhook":{"url":"http://127.0.0.1:1/"}}}}`, "invalid_argument", "INVALID_CURSOR", "subscription.start"},
		{"cursor of another log", subscribePath, `{"subscription":{"name":"bad","start":"04000000000000000000000000000000"}}`, "invalid_argument", "", "subscription"},
		{"no target", subscribePath, `{"subscription":{"name":"bad"}}`, "invalid_argument", "INVALID_FIELD", "subscription.target"},
		{"no name", subscribePath, `{"subscription":{"target":{"webhook":{"url":"http://127.0.0.1:1/"}}}}`, "invalid_argument", "INVALID_FIELD", "subscription.name"},
		{"name taken", subscribePath, `{"subscription":{"name":"good","target":{"webhook":{"url":"http://127.0.0.1:1/"}}}}`, "already_exists", "NAME_TAKEN", "good"},
		{"bad secret", subscribePath, `{"subscription":{"name":"bad","secret":"whsec_AAAA","target":{"webhook":{"url":"http://127.0.0.1:1/"}}}}`, "invalid_argument", "INVALID_FIELD", "subscription.secret"},
		{"refused address", subscribePath, hookTo("http://10.1.2.3/hook"), "invalid_argument", "TARGET_REFUSED", "subscription.target.webhook.url"},
		{"metadata address", subscribePath, hookTo("http://169.254.169.254/latest"), "invalid_argument", "TARGET_REFUSED", "subscription.target.webhook.url"},
		{"unreachable host", subscribePath, hookTo("https://no-such-host.invalid/hook"), "invalid_argument", "", "subscription.target.webhook.url"},
		{"large key", subscribePath, natsWithKey(8193), "invalid_argument", "", "subscription.target.nats.client_key"},
		{"NATS server that the operator has not named", subscribePath, natsWithKey(0), "invalid_argument", "", "subscription.target.nats.urls[0]"},
		{"not http", subscribePath, hookTo("ftp://example.com/hook"), "invalid_argument", "", "subscription.target.webhook.url"},
		{"bad mask", updatePath, `{"subscription":{"id":"good","description":"x"},"updateMask":"nonsense"}`, "invalid_argument", "INVALID_FIELD", "nonsense"},
		{"mask of what is fixed", updatePath, `{"subscription":{"id":"good"},"updateMask":"start"}`, "invalid_argument", "INVALID_FIELD", "start"},
		{"old revision", updatePath, `{"subscription":{"id":"good","revision":"7","description":"x"}}`, "aborted", "REVISION_MISMATCH", "revision"},
		{"subscription that is not there", updatePath, `{"subscription":{"id":"nobody","description":"x"}}`, "not_found", "NOT_FOUND", "nobody"},
		{"bad delivery id", "/postrider.v1.DeliveryService/GetDelivery", `{"id":"dlv_x"}`, "invalid_argument", "INVALID_FIELD", "id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := w.post(tt.path, adminKey, tt.body).error(t)
			if got.Code != tt.code || tt.reason != "" && got.reason() != tt.reason {
				t.Errorf("got %s (%s): %s, want %s (%s)", got.Code, got.reason(), got.Message, tt.code, tt.reason)
			}
			if !strings.Contains(got.Message, tt.names) {
				t.Errorf("message %q does not name %q", got.Message, tt.names)
			}
			if len(got.Message) > 1000 {
				t.Errorf("message of %d bytes", len(got.Message))
			}
		})
	}
	checkNothingStored(t, w)
}

// checkNothingStored also shows that the server is up.
func checkNothingStored(t *testing.T, w *world) {
	t.Helper()
	var events struct{ Events []any }
	if err := json.Unmarshal([]byte(w.post(listPath, adminKey, `{}`).body), &events); err != nil || len(events.Events) != 0 {
		t.Errorf("%d events are stored (%v)", len(events.Events), err)
	}
	var subs struct{ Subscriptions []any }
	got := w.post("/postrider.v1.SubscriptionService/ListSubscriptions", adminKey, `{}`).body
	if err := json.Unmarshal([]byte(got), &subs); err != nil || len(subs.Subscriptions) != 1 {
		t.Errorf("%d subscriptions are stored (%v), want the good one", len(subs.Subscriptions), err)
	}
}

func TestBadStartsOfAStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, request := range map[string]*postriderv1.SubscribeRequest{
		"cursor":  {Start: "zzz"},
		"pattern": {Types: []string{"*.created"}},
		"tenant":  {Tenant: "nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			stream, err := w.admin().events.Subscribe(soon(t), connect.NewRequest(request))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = stream.Close() }()
			if stream.Receive() {
				t.Fatalf("got %v, want an error", stream.Msg())
			}
			if code := codeOf(stream.Err()); code != "invalid_argument" && code != "not_found" {
				t.Errorf("got %v", stream.Err())
			}
		})
	}
}

func TestAPageTokenIsGoodForItsListOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("order.created", `{}`)
	w.publish("order.created", `{}`)
	page, err := w.admin().events.ListEvents(t.Context(), connect.NewRequest(&postriderv1.ListEventsRequest{PageSize: 1}))
	if err != nil || page.Msg.GetNextPageToken() == "" {
		t.Fatalf("%v, %v", page, err)
	}
	_, err = w.admin().events.ListEvents(t.Context(), connect.NewRequest(&postriderv1.ListEventsRequest{
		Types: []string{"order.*"}, PageToken: page.Msg.GetNextPageToken(),
	}))
	if codeOf(err) != "invalid_argument" {
		t.Errorf("with another filter: %v", err)
	}
	rest, err := w.admin().events.ListEvents(t.Context(), connect.NewRequest(&postriderv1.ListEventsRequest{
		PageToken: page.Msg.GetNextPageToken(),
	}))
	if err != nil || len(rest.Msg.GetEvents()) != 1 || rest.Msg.GetEvents()[0].GetId() == page.Msg.GetEvents()[0].GetId() {
		t.Errorf("second page %v (%v)", rest, err)
	}
}
