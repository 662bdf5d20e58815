package rpc_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

func target(url string, headers map[string]string) *postriderv1.Target {
	return &postriderv1.Target{Config: &postriderv1.Target_Webhook{Webhook: &targetv1.Webhook{Url: url, Headers: headers}}}
}

// fieldsOf are the fields that an error names.
func fieldsOf(err error) []string {
	var fields []string
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return nil
	}
	for _, detail := range failed.Details() {
		value, err := detail.Value()
		if bad, ok := value.(*errdetails.BadRequest); err == nil && ok {
			for _, violation := range bad.GetFieldViolations() {
				fields = append(fields, violation.GetField())
			}
		}
	}
	return fields
}

// A subscription that moves to another address takes no stored header with it: the caller gives the value again or drops
// the header. A caller who may change a subscription cannot read its headers that way.
func TestAStoredHeaderIsNotSentToAnotherAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.admin().subscriptions
	const stored = "http://127.0.0.1:8001/hook"
	const hidden, urlPath, headersPath = "•••", "target.webhook.url", "target.webhook.headers"
	moved := []string{`subscription.target.webhook.headers["X-Token"]`}
	for _, tt := range []struct {
		name    string
		url     string
		headers map[string]string
		mask    []string
		fields  []string
		// sent is the value at the new address; empty for a header that was dropped.
		sent string
	}{
		{"another port, only the URL in the mask", "http://127.0.0.1:8002/hook", nil, []string{urlPath}, moved, ""},
		{"another host, only the URL in the mask", "http://127.0.0.2:8001/hook", nil, []string{urlPath}, moved, ""},
		{"another scheme, only the URL in the mask", "https://127.0.0.1:8001/hook", nil, []string{urlPath}, moved, ""},
		{"the whole target, hidden", "http://127.0.0.2:8001/hook", map[string]string{"X-Token": hidden}, []string{"target"}, moved, ""},
		{"no mask, hidden", "http://127.0.0.2:8001/hook", map[string]string{"X-Token": hidden}, nil, moved, ""},
		{"both paths, hidden", "http://127.0.0.2:8001/hook", map[string]string{"X-Token": hidden}, []string{headersPath, urlPath}, moved, ""},
		{"a target and its URL, hidden", "http://127.0.0.2:8001/hook", map[string]string{"X-Token": hidden}, []string{"target.webhook", urlPath}, moved, ""},
		{"no URL at all", "", nil, []string{"target"}, nil, ""},

		{"given again", "http://127.0.0.2:8001/hook", map[string]string{"X-Token": "fresh"}, []string{urlPath, headersPath}, nil, "fresh"},
		{"the whole target, given again", "http://127.0.0.2:8001/hook", map[string]string{"X-Token": "fresh"}, []string{"target"}, nil, "fresh"},
		{"dropped", "http://127.0.0.2:8001/hook", nil, []string{urlPath, headersPath}, nil, ""},
		{"the whole target, dropped", "http://127.0.0.2:8001/hook", nil, []string{"target"}, nil, ""},
		{"another path of the same address", "http://127.0.0.1:8001/other?q=1", nil, []string{urlPath}, nil, "a-secret-token"},
		{"the same address, hidden", "http://127.0.0.1:8001/hook", map[string]string{"X-Token": hidden}, []string{"target"}, nil, "a-secret-token"},
		{"only the headers in the mask", "http://127.0.0.2:8001/hook", map[string]string{"X-Token": hidden}, []string{headersPath}, nil, "a-secret-token"},
	} {
		sub := w.subscribe(webhook(strings.ReplaceAll(tt.name, ",", ""), stored))
		request := &postriderv1.UpdateSubscriptionRequest{
			Subscription: &postriderv1.Subscription{Id: sub.GetId(), Target: target(tt.url, tt.headers)},
		}
		if tt.mask != nil {
			request.UpdateMask = &fieldmaskpb.FieldMask{Paths: tt.mask}
		}
		_, err := c.UpdateSubscription(t.Context(), connect.NewRequest(request))
		if tt.fields != nil || tt.url == "" {
			if codeOf(err) != "invalid_argument" || tt.url != "" && !slices.Equal(fieldsOf(err), tt.fields) {
				t.Errorf("%s: %v names %v", tt.name, err, fieldsOf(err))
			}
			if err != nil && strings.Contains(err.Error(), "a-secret-token") {
				t.Errorf("%s: the error holds the value", tt.name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		tested, err := c.TestSubscription(t.Context(), connect.NewRequest(&postriderv1.TestSubscriptionRequest{Id: sub.GetId()}))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		_, has := headerOf(tested.Msg.GetAttempt().GetRequest(), "X-Token")
		if has != (tt.sent != "") {
			t.Errorf("%s: X-Token is sent: %v", tt.name, has)
		}
	}
}

func headerOf(request *postriderv1.AttemptRequest, name string) (string, bool) {
	for _, header := range request.GetHeaders() {
		if header.GetName() == name {
			return header.GetValue(), true
		}
	}
	return "", false
}

// What goes out after a move is what was given with it, and nothing that was stored before.
func TestAMovedSubscriptionSendsWhatWasGiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before, after := newEndpoint(t), newEndpoint(t)
	sub := w.subscribe(webhook("billing", before.URL))
	_, err := w.admin().subscriptions.UpdateSubscription(t.Context(), connect.NewRequest(&postriderv1.UpdateSubscriptionRequest{
		Subscription: &postriderv1.Subscription{Id: sub.GetId(), Target: target(after.URL, map[string]string{"X-Other": "1"})},
		UpdateMask:   &fieldmaskpb.FieldMask{Paths: []string{"target.webhook.url", "target.webhook.headers"}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	w.publish("order.created", `{}`)
	if got := after.next(t); got.header.Get("X-Other") != "1" || got.header.Get("X-Token") != "" {
		t.Errorf("delivered %v", got.header)
	}
}
