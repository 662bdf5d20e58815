package streamtest

import (
	"fmt"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

func (c *client) expectEnd(end *End, code, reason string, reconnect bool) {
	c.t.Helper()
	if end.Code != code || end.Reason != reason || end.Message == "" || end.Reconnect != reconnect {
		c.t.Errorf("ends with %v, want %s %s, reconnect %t", end, code, reason, reconnect)
	}
}

func endWithServer(c *client) {
	quiet, busy := c.open(&postriderv1.SubscribeRequest{Types: []string{"never"}}), c.open(&postriderv1.SubscribeRequest{})
	busy.expect(c.publish(1)...)
	c.Stop()
	for _, r := range []*reader{quiet, busy} {
		_, end := r.end()
		c.expectEnd(end, "unavailable", "SHUTTING_DOWN", true)
	}
}

// endsWithin is how soon a stream ends after its key was revoked.
const endsWithin = time.Second

func endWithKey(c *client) {
	key, id := c.NewKey(c.Tenant, gateway.ScopeConsume)
	r, other := c.openAs(key, &postriderv1.SubscribeRequest{}), c.open(&postriderv1.SubscribeRequest{})
	r.expect(c.publish(1)...)
	began := time.Now()
	_, err := c.Store.RevokeAPIKey(c.t.Context(), id)
	c.must(err)
	_, end := r.end()
	c.expectEnd(end, "unauthenticated", "UNAUTHENTICATED", false)
	if took := time.Since(began); took > endsWithin {
		c.t.Errorf("it ends after %v", took)
	}
	other.loud()
	other.expect(c.publish(1)...)
}

func endByOperator(c *client) {
	r := c.open(&postriderv1.SubscribeRequest{})
	c.must(c.Live.Disconnect(c.Tenant.ID, r.begin.GetStream()))
	_, end := r.end()
	c.expectEnd(end, "permission_denied", "DISCONNECTED", false)
}

// leave closes the stream and checks that the server has noticed.
func (r *reader) leave() {
	r.client.t.Helper()
	r.Close()
	synctest.Wait()
	for _, open := range r.client.Live.Streams(r.client.Tenant.ID) {
		if open.ID == r.begin.GetStream() {
			r.client.t.Error("the stream of a client that has left is still open")
		}
	}
}

func freePlace(c *client) {
	c.open(&postriderv1.SubscribeRequest{}).leave()
	stalled, _, _ := c.stall(postriderv1.SlowPolicy_SLOW_POLICY_CATCH_UP)
	stalled.leave()
	behind := c.open(&postriderv1.SubscribeRequest{Start: earliest})
	synctest.Wait()
	behind.leave()
}

func refuseRequests(c *client) {
	many := make([]*postriderv1.NamedFilter, 33)
	for i := range many {
		many[i] = &postriderv1.NamedFilter{Name: fmt.Sprint("f", i)}
	}
	for field, request := range map[string]*postriderv1.SubscribeRequest{
		"start":                 {Start: "yesterday"},
		"heartbeat":             {HeartbeatInterval: durationpb.New(time.Millisecond)},
		"slow_policy":           {SlowPolicy: 99},
		"filters":               {Filters: many},
		"types":                 {Types: []string{"a b"}},
		"filters[0].types":      {Filters: []*postriderv1.NamedFilter{{Name: "a", Types: []string{"a b"}}}},
		"filters[1].name":       {Filters: []*postriderv1.NamedFilter{{Name: "a"}, {Name: "a"}}},
		"expression":            {Expression: "event.("},
		"filters[1].expression": {Filters: []*postriderv1.NamedFilter{{Name: "a"}, {Name: "b", Expression: "event.("}}},
	} {
		end := c.refused(AdminKey, request)
		named := slices.ContainsFunc(end.Fields, func(one string) bool { return strings.HasPrefix(one, field) })
		if end.Code != "invalid_argument" || end.Reason == "" || end.Message == "" || !named {
			c.t.Errorf("%s is refused with %v", field, end)
		}
	}
	synctest.Wait()
	if open := c.Live.Streams(c.Tenant.ID); len(open) != 0 {
		c.t.Errorf("%d refused streams are open", len(open))
	}
}

func refuseCallers(c *client) {
	other := c.NewTenant("other")
	publisher, _ := c.NewKey(c.Tenant, gateway.ScopePublish)
	stranger, _ := c.NewKey(other, gateway.ScopeConsume)
	for _, tt := range []struct{ name, key, tenant, code string }{
		{"an unknown key", "nobody's key", "", "unauthenticated"},
		{"a key that may not read", publisher, "", "permission_denied"},
		{"a key of another tenant", stranger, c.Tenant.Name, "not_found"},
		{"a tenant that does not exist", AdminKey, "nobody", "not_found"},
	} {
		if end := c.refused(tt.key, &postriderv1.SubscribeRequest{Tenant: tt.tenant}); end.Code != tt.code || end.Message == "" {
			c.t.Errorf("%s is refused with %v, want %s", tt.name, end, tt.code)
		}
	}
}
