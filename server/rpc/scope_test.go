package rpc_test

import (
	"net/http"
	"strings"
	"testing"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
)

const (
	admin   = postriderv1.ApiKeyScope_API_KEY_SCOPE_ADMIN
	publish = postriderv1.ApiKeyScope_API_KEY_SCOPE_PUBLISH
	consume = postriderv1.ApiKeyScope_API_KEY_SCOPE_CONSUME
)

// who may call what: "p" a key with scope publish, "c" one with consume, "t" an admin of one tenant, "-" anybody at all, "+" who shows no key.
// Admin keys of the server may call everything.
var allowed = map[string]string{
	"SessionService/CreateSession": "-", "SessionService/DeleteSession": "-", "SessionService/GetSession": "pct",
	"TenantService/CreateTenant": "", "TenantService/ListTenants": "pct", "TenantService/UpdateTenant": "t",
	"ApiKeyService/CreateApiKey": "t", "ApiKeyService/ListApiKeys": "t", "ApiKeyService/RevokeApiKey": "t",
	"EventTypeService/RegisterEventTypes": "", "EventTypeService/DeleteEventType": "", "EventTypeService/UpdateEventType": "t",
	"EventTypeService/ListEventTypes": "pct", "EventTypeService/GetEventType": "pct", "EventTypeService/DiffEventType": "pct",
	"EventTypeService/GetSchemas": "pct",
	"EventService/Publish":        "pt", "EventService/PublishBatch": "pt",
	"EventService/CreateStreamTicket": "ct", "EventService/PublishStream": "pt",
	"EventService/Subscribe": "ct", "EventService/GetEvent": "ct", "EventService/ListEvents": "ct",
	"SubscriptionService/CreateSubscription": "t", "SubscriptionService/GetSubscription": "ct",
	"SubscriptionService/ListSubscriptions": "ct", "SubscriptionService/UpdateSubscription": "t",
	"SubscriptionService/DeleteSubscription": "t", "SubscriptionService/PauseSubscription": "t",
	"SubscriptionService/ResumeSubscription": "t", "SubscriptionService/TestSubscription": "t",
	"SubscriptionService/RevealSubscriptionSecret": "t", "SubscriptionService/TestFilter": "ct",
	"DeliveryService/ListDeliveries": "ct", "DeliveryService/GetDelivery": "ct", "DeliveryService/CountDeliveries": "ct",
	"DeliveryService/RetryDelivery": "t", "DeliveryService/WatchDeliveries": "ct",
	"StreamService/ListStreams": "t", "StreamService/WatchStreams": "t", "StreamService/DisconnectStream": "t",
	"StreamService/RenewStream": "ct+",
	"StatsService/Watch":        "ct",
}

// procedures lists every method of the contract, and whether it streams.
func procedures() map[string]bool {
	found := map[string]bool{}
	for _, service := range access.Services() {
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			found[string(service.Name())+"/"+string(method.Name())] = method.IsStreamingServer()
		}
	}
	return found
}

func TestScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("acme")
	keys := map[string]string{"a": adminKey}
	keys["p"], _ = w.key("p", "", publish)
	keys["c"], _ = w.key("c", "", consume)
	keys["t"], _ = w.key("t", "acme", admin)
	over2 := &http.Client{Transport: h2c()}

	for procedure, streams := range procedures() {
		may, listed := allowed[procedure]
		if !listed {
			t.Errorf("%s is not in the table of this test", procedure)
			continue
		}
		t.Run(procedure, func(t *testing.T) {
			for who, key := range keys {
				want := who == "a" || may == "-" || strings.Contains(may, who)
				if got := letIn(w, over2, procedure, key, streams); got != want {
					t.Errorf("with key %q: let in %v, want %v", who, got, want)
				}
			}
			for name, key := range map[string]string{"no key": "", "a wrong key": "prk_nobody", "a huge key": strings.Repeat("k", 300)} {
				want := may == "-" || key == "" && strings.Contains(may, "+")
				if got := letIn(w, over2, procedure, key, streams); got != want {
					t.Errorf("with %s: let in %v, want %v", name, got, want)
				}
			}
		})
	}
}

// letIn sends a request whose message cannot be read, so that it does nothing: who is let in is told that.
func letIn(w *world, over2 *http.Client, procedure, key string, streams bool) bool {
	w.t.Helper()
	var text string
	if streams {
		got := w.doOver(over2, http.MethodPost, "/postrider.v1."+procedure, key, "\x00\x00\x00\x00\x01{", "Content-Type", "application/connect+json")
		text = got.body
	} else {
		text = w.post("/postrider.v1."+procedure, key, "{").body
	}
	return !strings.Contains(text, `"unauthenticated"`) && !strings.Contains(text, `"permission_denied"`)
}

func TestARefusalComesBeforeTheMessageIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.post("/postrider.v1.EventService/Publish", "prk_nobody", "{").error(t)
	if got.Code != "unauthenticated" || got.reason() != "UNAUTHENTICATED" {
		t.Errorf("got %s (%s), want unauthenticated", got.Code, got.reason())
	}
}
