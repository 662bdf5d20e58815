package wire_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/redact"
	"github.com/postrider-dev/postrider/server/wire"
)

func webhook(url string, headers map[string]string) *postriderv1.Target {
	return &postriderv1.Target{Config: &postriderv1.Target_Webhook{
		Webhook: &targetv1.Webhook{Url: url, Headers: headers},
	}}
}

func newSubscription(t *testing.T) *gateway.Subscription {
	t.Helper()
	sub, start, err := wire.NewSubscription(&postriderv1.Subscription{
		Name: "billing", Description: "d", Filter: &postriderv1.Filter{Types: []string{"order.*"}},
		Target: webhook("http://x/", map[string]string{"Authorization": "Bearer s3cret"}),
		Policy: &postriderv1.DeliveryPolicy{
			RetrySchedule: []*durationpb.Duration{durationpb.New(time.Second)}, Concurrency: 4, Timeout: durationpb.New(time.Minute),
		},
		Secret: "whsec_abc", Start: "earliest",
	})
	if err != nil || start.Kind != gateway.StartEarliest {
		t.Fatal(start, err)
	}
	return sub
}

func TestSubscriptionBothWays(t *testing.T) {
	t.Parallel()
	sub := newSubscription(t)
	if sub.TargetType != "webhook" || !strings.Contains(string(sub.TargetConfig), "s3cret") || sub.Secret != "whsec_abc" ||
		sub.Policy.Slots() != 4 || sub.Policy.AttemptTimeout() != time.Minute || len(sub.Policy.RetrySchedule) != 1 {
		t.Errorf("read %+v", sub)
	}
	sub.State, sub.UID, sub.Revision = gateway.SubscriptionPaused, "sub_1", 3
	shown, err := wire.Subscription(sub, wire.SubscriptionContext{
		Tenant: "acme", Health: &gateway.SubscriptionHealth{Attempts: 4, Successes: 3, Place: 9, LastError: "bad\xff"},
		Cursor: func(p gateway.Position) gateway.Cursor { return gateway.Cursor{Position: p} },
	})
	if err != nil {
		t.Fatal(err)
	}
	if shown.GetSecret() != "" || shown.GetTarget().GetWebhook().GetHeaders()["Authorization"] != redact.Hidden {
		t.Errorf("secrets are shown: %v", shown)
	}
	if shown.GetId() != "sub_1" || shown.GetFilter().GetTypes()[0] != "order.*" || shown.GetRevision() != 3 ||
		shown.GetState() != postriderv1.SubscriptionState_SUBSCRIPTION_STATE_PAUSED ||
		shown.GetHealth().GetSuccessRate() != 0.75 || shown.GetHealth().GetLastError() != "bad\uFFFD" ||
		shown.GetHealth().GetBreaker() != postriderv1.BreakerState_BREAKER_STATE_CLOSED ||
		shown.GetCursor() != (gateway.Cursor{Position: 9}).String() {
		t.Errorf("shown %v", shown)
	}
}

func TestNewSubscriptionRefuses(t *testing.T) {
	t.Parallel()
	target := webhook("http://x/", nil)
	for field, from := range map[string]*postriderv1.Subscription{
		"subscription.name":                        {Target: target},
		"subscription.start":                       {Name: "a", Target: target, Start: "tomorrow"},
		"subscription.target":                      {Name: "a"},
		"subscription.filter.types[1]":             {Name: "a", Target: target, Filter: &postriderv1.Filter{Types: []string{"a", "a*"}}},
		`subscription.target.webhook.headers["X"]`: {Name: "a", Target: webhook("http://x/", map[string]string{"X": redact.Hidden})},
	} {
		_, _, err := wire.NewSubscription(from)
		wantField(t, err, field)
	}
}

func TestSubscriptionUpdate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		mask   []string
		from   *postriderv1.Subscription
		check  func(*gateway.Subscription) bool
		change string
	}{
		{"fields set", nil, &postriderv1.Subscription{Name: "n"}, func(s *gateway.Subscription) bool { return s.Name == "n" && s.Description == "d" }, "name"},
		{"output fields are ignored", nil, &postriderv1.Subscription{Name: "n", Cursor: "x", State: 2}, func(s *gateway.Subscription) bool { return s.State == 0 }, "name"},
		{"cleared by the mask", []string{"description"}, &postriderv1.Subscription{}, func(s *gateway.Subscription) bool { return s.Description == "" }, "description"},
		{"filter cleared", []string{"filter"}, &postriderv1.Subscription{}, func(s *gateway.Subscription) bool { return s.Filter.MatchesAll() }, "filter"},
		{"filter.types", []string{"filter.types"}, &postriderv1.Subscription{Filter: &postriderv1.Filter{Types: []string{"b"}}}, func(s *gateway.Subscription) bool { return s.Filter.Types[0] == "b" }, "filter"},
		{"one part of the policy", []string{"policy.concurrency"}, &postriderv1.Subscription{Policy: &postriderv1.DeliveryPolicy{Concurrency: 9}}, func(s *gateway.Subscription) bool {
			return s.Policy.Concurrency == 9 && s.Policy.Timeout == time.Minute
		}, "policy"},
		{"whole policy", []string{"policy"}, &postriderv1.Subscription{}, func(s *gateway.Subscription) bool { return s.Policy.Timeout == 0 && s.Policy.RetrySchedule == nil }, "policy"},
		{"url alone", []string{"target.webhook.url"}, &postriderv1.Subscription{Target: webhook("http://x/y", nil)}, func(s *gateway.Subscription) bool { return has(s, "http://x/y") && has(s, "s3cret") }, "target"},
		{"headers alone", []string{"target.webhook.headers"}, &postriderv1.Subscription{Target: webhook("http://y/", map[string]string{"B": "v"})}, func(s *gateway.Subscription) bool { return has(s, "http://x/") && has(s, `"B"`) && !has(s, "s3cret") }, "target.webhook.headers"},
		{"hidden value is kept", []string{"target"}, &postriderv1.Subscription{Target: webhook("http://x/y", map[string]string{"Authorization": redact.Hidden})}, func(s *gateway.Subscription) bool { return has(s, "s3cret") && has(s, "http://x/y") }, "target"},
		{"secret", []string{"secret"}, &postriderv1.Subscription{Secret: "whsec_x"}, func(s *gateway.Subscription) bool { return s.Secret == "whsec_x" }, "secret"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.from.Id = "sub_1"
			request := &postriderv1.UpdateSubscriptionRequest{Subscription: test.from}
			if test.mask != nil {
				request.UpdateMask = &fieldmaskpb.FieldMask{Paths: test.mask}
			}
			update, err := wire.NewSubscriptionUpdate(request)
			if err != nil {
				t.Fatal(err)
			}
			sub := newSubscription(t)
			if err := update.Apply(sub); err != nil {
				t.Fatal(err)
			}
			if !test.check(sub) || !update.Changes(test.change) || update.Changes("nothing") {
				t.Errorf("became %+v, config %s", sub, sub.TargetConfig)
			}
		})
	}
}

// A name that could not be given today is left as it is, and may be replaced by a good one.
func TestANameOfBeforeStays(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{"old ": true, "new": true, "other ": false} {
		update, err := wire.NewSubscriptionUpdate(&postriderv1.UpdateSubscriptionRequest{
			Subscription: &postriderv1.Subscription{Id: "sub_1", Name: name, Description: "d"},
		})
		if err != nil {
			t.Fatal(err)
		}
		sub := newSubscription(t)
		sub.Name = "old "
		if err = update.Apply(sub); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
		if !good {
			wantField(t, err, "subscription.name")
		}
	}
}

func has(sub *gateway.Subscription, text string) bool {
	return strings.Contains(string(sub.TargetConfig), text)
}

func TestBadMasks(t *testing.T) {
	t.Parallel()
	for field, paths := range map[string][]string{
		"update_mask":          {},
		"update_mask.paths[0]": {"colour"},
		"update_mask.paths[1]": {"name", "state"},
		"update_mask.paths[2]": {"name", "policy", "policy.speed"},
	} {
		_, err := wire.NewSubscriptionUpdate(&postriderv1.UpdateSubscriptionRequest{
			Subscription: &postriderv1.Subscription{Id: "x"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths},
		})
		wantField(t, err, field)
	}
	_, err := wire.NewSubscriptionUpdate(&postriderv1.UpdateSubscriptionRequest{
		Subscription: &postriderv1.Subscription{Id: "x", Start: "earliest"},
	})
	wantField(t, err, "subscription.start")
	_, err = wire.NewSubscriptionUpdate(&postriderv1.UpdateSubscriptionRequest{Subscription: &postriderv1.Subscription{}})
	wantField(t, err, "subscription.id")
}
