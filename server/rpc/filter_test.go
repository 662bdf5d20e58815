package rpc_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server"
)

const registered = "shop.v1.CustomerRegistered"

func customerOf(tier string) string {
	return strings.Replace(customer, "CUSTOMER_TIER_STANDARD", tier, 1)
}

// An expression over typed data selects what a webhook and a stream get, is checked when it is saved, and survives a
// restart.
func TestExpression(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	w := newWorld(t, func(c *server.Config) { c.Data = data })
	hook := newEndpoint(t)
	c := w.admin().subscriptions
	sub := webhook("business", hook.URL)
	sub.Filter = &postriderv1.Filter{
		Types: []string{registered}, Expression: `event.data.tier == CustomerTier.CUSTOMER_TIER_BUSINESS`,
	}
	created := w.subscribe(sub)
	if !proto.Equal(created.GetFilter(), sub.GetFilter()) {
		t.Errorf("created with %v", created.GetFilter())
	}
	live := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{Expression: `event.type == "` + registered + `" && event.data.display_name != "" && event.data.tier == 3`})
	w.publish(registered, customer)
	w.publish("order.created", `{}`)
	second := w.publish(registered, customerOf("CUSTOMER_TIER_BUSINESS"))
	if got := hook.next(t); got.header.Get("Webhook-Id") != second.GetId() {
		t.Errorf("delivered %s, want %s", got.header.Get("Webhook-Id"), second.GetId())
	}
	if event := nextEvent(t, live); event.GetId() != second.GetId() {
		t.Errorf("streamed %s, want %s", event.GetId(), second.GetId())
	}

	update := func(f *postriderv1.Filter, path string) (*postriderv1.Filter, error) {
		updated, err := c.UpdateSubscription(t.Context(), connect.NewRequest(&postriderv1.UpdateSubscriptionRequest{
			Subscription: &postriderv1.Subscription{Id: "business", Filter: f}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{path}},
		}))
		if err != nil {
			return nil, err
		}
		return updated.Msg.GetSubscription().GetFilter(), nil
	}
	if _, err := update(&postriderv1.Filter{Expression: `event.data.teir == 3`}, "filter.expression"); err == nil ||
		!strings.Contains(err.Error(), "subscription.filter.expression: 1:12: undefined field 'teir'; did you mean tier?") {
		t.Errorf("a wrong expression: %v", err)
	}
	if _, err := update(&postriderv1.Filter{Types: []string{"shop.v1.OrderCreated"}}, "filter.types"); codeOf(err) != "invalid_argument" {
		t.Errorf("types that the expression does not compile for: %v", err)
	}
	changed, err := update(&postriderv1.Filter{Expression: `event.data.email.endsWith("@example.com")`}, "filter.expression")
	if err != nil || changed.GetTypes()[0] != registered || !strings.Contains(changed.GetExpression(), "endsWith") {
		t.Errorf("the expression alone: %v, %v", changed, err)
	}
	if changed, err = update(&postriderv1.Filter{Types: []string{"shop.*"}}, "filter.types"); err != nil || !strings.Contains(changed.GetExpression(), "endsWith") {
		t.Errorf("the types alone: %v, %v", changed, err)
	}

	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	w = newWorld(t, func(c *server.Config) { c.Data = data })
	w.publish(registered, strings.Replace(customer, "@example.com", "@elsewhere.org", 1))
	third := w.publish(registered, customer)
	if got := hook.next(t); got.header.Get("Webhook-Id") != third.GetId() {
		t.Errorf("after a restart %s was delivered, want %s", got.header.Get("Webhook-Id"), third.GetId())
	}
}

func TestExpressionsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	create := `{"subscription":{"name":"x","target":{"webhook":{"url":"http://127.0.0.1:1/"}},"filter":{"types":["` + registered + `"],"expression":%s}}}`
	for expression, want := range map[string]string{
		`event.data.mail == "x"`: "1:12: undefined field 'mail'; did you mean email?",
		`event.data.email ==`:    "1:20: syntax error",
		`event.data.email`:       "1:1: must be true or false, and is a string",
	} {
		text, _ := json.Marshal(expression)
		e := w.post("/postrider.v1.SubscriptionService/CreateSubscription", adminKey, fmt.Sprintf(create, text)).error(t)
		if e.Code != "invalid_argument" || e.reason() != "INVALID_FILTER" || !strings.Contains(e.Message, "subscription.filter.expression: "+want) {
			t.Errorf("%s: %+v", expression, e)
		}
	}
	stream, err := w.admin().events.Subscribe(soon(t), connect.NewRequest(&postriderv1.SubscribeRequest{
		Types: []string{registered}, Expression: `event.data.mail == "x"`,
	}))
	if err == nil && stream.Receive() {
		t.Fatal("a stream began")
	}
	if err == nil {
		err = stream.Err()
	}
	if codeOf(err) != "invalid_argument" || !strings.Contains(err.Error(), "expression: 1:12: undefined field 'mail'; did you mean email?") {
		t.Errorf("the stream ended with %v", err)
	}
}

// A failing expression is told of in health, and stops nothing.
func TestExpressionFailuresAreInHealth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := newEndpoint(t)
	sub := webhook("large", hook.URL)
	sub.Filter = &postriderv1.Filter{Types: []string{"order.created"}, Expression: `event.data.total > 100`}
	w.subscribe(sub)
	broken := w.publish("order.created", `{"sum":1}`)
	w.publish("order.created", `{"total":1}`)
	large := w.publish("order.created", `{"total":101}`)
	if got := hook.next(t); got.header.Get("Webhook-Id") != large.GetId() {
		t.Errorf("delivered %s, want %s", got.header.Get("Webhook-Id"), large.GetId())
	}
	got, err := w.admin().subscriptions.GetSubscription(t.Context(), connect.NewRequest(&postriderv1.GetSubscriptionRequest{Id: "large"}))
	if err != nil {
		t.Fatal(err)
	}
	health := got.Msg.GetSubscription().GetHealth()
	want := "event " + broken.GetId() + " of type order.created: filter error: no such key: total"
	if health.GetFilterErrors() != 1 || health.GetLastFilterError() != want {
		t.Errorf("%d failures, the last %q, want 1, %q", health.GetFilterErrors(), health.GetLastFilterError(), want)
	}
}

func TestTestFilter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("order.created", `{"total":5}`)
	w.publish("order.created", `{"total":500}`)
	w.publish("payment.made", `{"total":500}`)
	w.publish("order.created", `{"sum":1}`)
	w.publish(registered, customer)
	test := func(limit int32, expression string, types ...string) *postriderv1.TestFilterResponse {
		t.Helper()
		response, err := w.admin().subscriptions.TestFilter(t.Context(), connect.NewRequest(&postriderv1.TestFilterRequest{
			Filter: &postriderv1.Filter{Types: types, Expression: expression}, Limit: limit,
		}))
		if err != nil {
			t.Fatal(err)
		}
		return response.Msg
	}
	var got []string
	for _, result := range test(0, `event.data.total > 100`, "order.created").GetResults() {
		got = append(got, fmt.Sprintf("%t %s", result.GetMatched(), result.GetReason()))
		if result.GetEventType() != "order.created" || result.GetEventId() == "" || time.Since(result.GetAcceptTime().AsTime()) > time.Hour {
			t.Errorf("result %v", result)
		}
	}
	want := []string{
		"false filter error: no such key: total in event.data.total > 100",
		"true ",
		"false event.data.total > 100 is false: event.data.total is 5",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	if results := test(2, "", "*").GetResults(); len(results) != 2 || results[0].GetEventType() != registered || !results[0].GetMatched() {
		t.Errorf("the newest two without an expression: %v", results)
	}
	if only := test(-1, `event.data.total > 100`, "order.created"); len(only.GetResults())+len(only.GetProblems()) != 0 {
		t.Errorf("only compiled: %v", only)
	}
	wrong := test(0, "true &&\n event.data.mail == 'x'", registered)
	if len(wrong.GetResults()) != 0 || len(wrong.GetProblems()) != 1 || !proto.Equal(wrong.GetProblems()[0], &postriderv1.FilterProblem{
		Line: 2, Column: 13, Message: "undefined field 'mail'", Suggestion: "email",
	}) {
		t.Errorf("a wrong expression: %v", wrong)
	}
	some := test(0, `event.data.email != ""`, "shop.v1.*")
	if len(some.GetProblems()) == 0 || some.GetProblems()[0].GetType() == "" || len(some.GetResults()) != 1 || !some.GetResults()[0].GetMatched() {
		t.Errorf("an expression for some types: %v", some)
	}
	if a := w.post("/postrider.v1.SubscriptionService/TestFilter", adminKey, `{"filter":{"types":["a b"]}}`).error(t); a.Code != "invalid_argument" {
		t.Errorf("a wrong pattern: %+v", a)
	}
}

// A call of TestFilter had a budget for each event, and calls had none together.
func TestTestsOfFiltersHaveABudgetPerTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("order.created", `{"s":"`+strings.Repeat("x", 60_000)+`"}`)
	w.tenant("other")
	other, _ := w.key("other", "other", admin)
	test := func(key, expression string) answer {
		return w.post("/postrider.v1.SubscriptionService/TestFilter", key, fmt.Sprintf(`{"filter":{"types":["order.created"],"expression":%q}}`, expression))
	}
	calls := 0
	got := test(adminKey, "event.type != 'a'")
	for ; got.status == http.StatusOK && calls < 1000; calls++ {
		got = test(adminKey, "event.data.s.replace('', event.data.s) != ''")
	}
	if shown := got.error(t); shown.reason() != "RATE_LIMITED" || calls < 50 || got.header.Get("Retry-After") == "" {
		t.Errorf("after %d calls: %d %s", calls, got.status, got.body)
	}
	if got := test(other, "event.type != 'a'"); got.status != http.StatusOK {
		t.Errorf("another tenant's: %s", got.body)
	}
	if got := w.post("/postrider.v1.SubscriptionService/TestFilter", adminKey, `{"filter":{"expression":"event.typ"},"limit":-1}`); got.status != http.StatusOK {
		t.Errorf("compiling alone: %s", got.body)
	}
}

// Events of a version that does not have a field yet read it as unset, for as long as they are there.
func TestExpressionOverTwoVersions(t *testing.T) {
	t.Parallel()
	data, schemas := t.TempDir(), filepath.Join(t.TempDir(), "schemas.binpb")
	world := func(fields string) *world {
		file := &descriptorpb.FileDescriptorProto{}
		if err := prototext.Unmarshal([]byte(`name: "t.proto" package: "t" syntax: "proto3" message_type { name: "T" `+fields+` }`), file); err != nil {
			t.Fatal(err)
		}
		set, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{file}})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(schemas, set, 0o600); err != nil {
			t.Fatal(err)
		}
		return newWorld(t, func(c *server.Config) { c.Data, c.Schemas = data, schemas })
	}
	const first = `field { name: "a" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "a" }`
	w := world(first)
	old := w.publish("t.T", `{"a":"1"}`)
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	w = world(first + ` field { name: "b" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "b" }`)
	w.publish("t.T", `{"a":"2","b":"x"}`)
	last := w.publish("t.T", `{"a":"3"}`)
	stream := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{Types: []string{"t.T"}, Expression: `event.data.b == ""`, Start: "earliest"})
	for _, want := range []string{old.GetId(), last.GetId()} {
		if event := nextEvent(t, stream); event.GetId() != want {
			t.Errorf("got %s, want %s", event.GetId(), want)
		}
	}
}
