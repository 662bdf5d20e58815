package rpc_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/signature"
)

// endpoint is a webhook that keeps what it gets.
type endpoint struct {
	*httptest.Server
	status atomic.Int32
	got    chan received
}

type received struct {
	header http.Header
	body   []byte
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{got: make(chan received, 100)}
	e.status.Store(http.StatusOK)
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(int(e.status.Load()))
		_, _ = io.WriteString(w, "thanks")
		e.got <- received{r.Header, body}
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) next(t *testing.T) received {
	t.Helper()
	select {
	case r := <-e.got:
		return r
	case <-soon(t).Done():
		t.Fatal("nothing was delivered")
		return received{}
	}
}

func webhook(name, url string) *postriderv1.Subscription {
	return &postriderv1.Subscription{
		Name: name,
		Target: &postriderv1.Target{Config: &postriderv1.Target_Webhook{Webhook: &targetv1.Webhook{
			Url: url, Headers: map[string]string{"X-Token": "a-secret-token"},
		}}},
	}
}

func (w *world) subscribe(sub *postriderv1.Subscription) *postriderv1.Subscription {
	w.t.Helper()
	created, err := w.admin().subscriptions.CreateSubscription(w.t.Context(), connect.NewRequest(
		&postriderv1.CreateSubscriptionRequest{Subscription: sub}))
	if err != nil {
		w.t.Fatal(err)
	}
	return created.Msg.GetSubscription()
}

func TestSubscriptionLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := newEndpoint(t)
	c := w.admin().subscriptions
	created := w.subscribe(webhook("billing", hook.URL))
	if created.GetState() != postriderv1.SubscriptionState_SUBSCRIPTION_STATE_ACTIVE || created.GetRevision() != 1 ||
		created.GetSecret() != "" || created.GetTarget().GetWebhook().GetHeaders()["X-Token"] != "•••" {
		t.Errorf("created %v", created)
	}

	event := w.publish("order.created", oddNumbers)
	got := hook.next(t)
	if got.header.Get("Webhook-Id") != event.GetId() || got.header.Get("X-Token") != "a-secret-token" || !strings.Contains(string(got.body), oddNumbers) {
		t.Errorf("delivered %v %s", got.header, got.body)
	}
	secret, err := c.RevealSubscriptionSecret(t.Context(), connect.NewRequest(&postriderv1.RevealSubscriptionSecretRequest{Id: "billing"}))
	if err != nil {
		t.Fatal(err)
	}
	key, err := signature.ParseSecret(secret.Msg.GetSecret())
	if err != nil {
		t.Fatal(err)
	}
	if err := signature.Verify([]signature.Secret{key}, got.header, got.body, created.GetCreateTime().AsTime()); err != nil {
		t.Errorf("the signature: %v", err)
	}

	updated, err := c.UpdateSubscription(t.Context(), connect.NewRequest(&postriderv1.UpdateSubscriptionRequest{
		Subscription: &postriderv1.Subscription{
			Id: created.GetId(), Revision: 1, Description: "ignored", Filter: &postriderv1.Filter{Types: []string{"payment.*"}},
			Target: webhook("", hook.URL+"/other").GetTarget(),
		},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"filter", "target.webhook.url"}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	sub := updated.Msg.GetSubscription()
	if sub.GetRevision() != 2 || sub.GetDescription() != "" || sub.GetFilter().GetTypes()[0] != "payment.*" ||
		sub.GetTarget().GetWebhook().GetUrl() != hook.URL+"/other" || updated.Msg.GetCursor() == "" {
		t.Errorf("updated %v", updated.Msg)
	}
	w.publish("order.created", `{}`)
	payment := w.publish("payment.made", `{}`)
	if got := hook.next(t); got.header.Get("Webhook-Id") != payment.GetId() || got.header.Get("X-Token") != "a-secret-token" {
		t.Errorf("after the update %v was delivered", got.header)
	}

	if _, err := c.DeleteSubscription(t.Context(), connect.NewRequest(&postriderv1.DeleteSubscriptionRequest{Id: "billing", Revision: 1})); codeOf(err) != "aborted" {
		t.Errorf("delete of an old revision: %v", err)
	}
	if _, err := c.DeleteSubscription(t.Context(), connect.NewRequest(&postriderv1.DeleteSubscriptionRequest{Id: "billing", Revision: 2})); err != nil {
		t.Error(err)
	}
	if _, err := c.GetSubscription(t.Context(), connect.NewRequest(&postriderv1.GetSubscriptionRequest{Id: "billing"})); codeOf(err) != "not_found" {
		t.Errorf("after the delete: %v", err)
	}
}

func TestPauseAndResumeCanBeRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := newEndpoint(t)
	w.subscribe(webhook("billing", hook.URL))
	c := w.admin().subscriptions
	var revision int64
	for i := range 2 {
		paused, err := c.PauseSubscription(t.Context(), connect.NewRequest(&postriderv1.PauseSubscriptionRequest{Id: "billing"}))
		if err != nil || paused.Msg.GetSubscription().GetState() != postriderv1.SubscriptionState_SUBSCRIPTION_STATE_PAUSED {
			t.Fatalf("%v, %v", paused, err)
		}
		if i > 0 && paused.Msg.GetSubscription().GetRevision() != revision {
			t.Error("a repeated pause is a change")
		}
		revision = paused.Msg.GetSubscription().GetRevision()
	}
	held := w.publish("order.created", `{}`)
	sub, err := c.GetSubscription(t.Context(), connect.NewRequest(&postriderv1.GetSubscriptionRequest{Id: "billing"}))
	if err != nil || sub.Msg.GetSubscription().GetHealth().GetBacklog() != 1 {
		t.Errorf("while paused: %v (%v), want a backlog of 1", sub, err)
	}
	for range 2 {
		resumed, err := c.ResumeSubscription(t.Context(), connect.NewRequest(&postriderv1.ResumeSubscriptionRequest{Id: "billing"}))
		if err != nil || resumed.Msg.GetSubscription().GetState() != postriderv1.SubscriptionState_SUBSCRIPTION_STATE_ACTIVE {
			t.Fatalf("%v, %v", resumed, err)
		}
	}
	if got := hook.next(t); got.header.Get("Webhook-Id") != held.GetId() {
		t.Errorf("delivered %v, want what was held", got.header)
	}
}

func TestTestSubscription(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := newEndpoint(t)
	hook.status.Store(http.StatusTeapot)
	w.subscribe(webhook("billing", hook.URL))
	tested, err := w.admin().subscriptions.TestSubscription(t.Context(), connect.NewRequest(&postriderv1.TestSubscriptionRequest{Id: "billing"}))
	if err != nil {
		t.Fatal(err)
	}
	attempt := tested.Msg.GetAttempt()
	if !strings.HasPrefix(tested.Msg.GetEventId(), "test_") || attempt.GetResponse().GetStatusCode() != http.StatusTeapot ||
		attempt.GetCause() != postriderv1.AttemptCause_ATTEMPT_CAUSE_TEST || attempt.GetRequest().GetUrl() != hook.URL {
		t.Errorf("tested %v", tested.Msg)
	}
	if strings.Contains(tested.Msg.String(), "a-secret-token") {
		t.Error("the answer shows the header's value")
	}
	events, err := w.admin().events.ListEvents(t.Context(), connect.NewRequest(&postriderv1.ListEventsRequest{}))
	if err != nil || len(events.Msg.GetEvents()) != 0 {
		t.Errorf("the log holds %v (%v)", events, err)
	}
}

func TestTestSubscriptionWithAChosenEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := newEndpoint(t)
	sub := webhook("billing", hook.URL)
	sub.Filter = &postriderv1.Filter{Types: []string{"order.*"}, Expression: "event.data.n > 1"}
	w.subscribe(sub)
	chosen, other := w.publish("order.created", `{"n":1}`), w.publish("payment.made", `{}`)
	test := func(id string) (*postriderv1.TestSubscriptionResponse, error) {
		tested, err := w.admin().subscriptions.TestSubscription(t.Context(), connect.NewRequest(
			&postriderv1.TestSubscriptionRequest{Id: "billing", EventId: id}))
		if err != nil {
			return nil, err
		}
		return tested.Msg, nil
	}
	tested, err := test(chosen.GetId())
	if err != nil {
		t.Fatal(err)
	}
	got := hook.next(t)
	if id := got.header.Get("Webhook-Id"); id != tested.GetEventId() || !strings.HasPrefix(id, "test_") {
		t.Errorf("sent with the id %q, the response has %q", id, tested.GetEventId())
	}
	if !strings.Contains(string(got.body), `"type":"order.created"`) || !strings.Contains(string(got.body), `{"n":1}`) ||
		tested.GetAttempt().GetRequest().GetBody() == "" {
		t.Errorf("sent %s, shown %v", got.body, tested.GetAttempt().GetRequest())
	}
	if _, err := test(other.GetId()); codeOf(err) != "invalid_argument" || !strings.Contains(err.Error(), "payment.made") {
		t.Errorf("of another type: %v", err)
	}
	if _, err := test("unknown"); codeOf(err) != "not_found" {
		t.Errorf("of no event: %v", err)
	}
	w.tenant("acme")
	foreign, err := w.admin().events.Publish(t.Context(), connect.NewRequest(&postriderv1.PublishRequest{
		Tenant: "acme", Event: &postriderv1.Event{Id: "foreign", Type: "order.created", Payload: &postriderv1.Event_JsonData{JsonData: `{}`}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := test(foreign.Msg.GetId()); codeOf(err) != "not_found" {
		t.Errorf("of another tenant: %v", err)
	}
}

func TestAllFaultsOfASubscriptionAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sub := webhook("bad", "http://10.1.2.3/")
	sub.Filter = &postriderv1.Filter{Expression: "event.dat > 1"}
	_, err := w.admin().subscriptions.CreateSubscription(t.Context(), connect.NewRequest(
		&postriderv1.CreateSubscriptionRequest{Subscription: sub}))
	for _, field := range []string{"subscription.filter.expression", "subscription.target.webhook.url"} {
		if codeOf(err) != "invalid_argument" || !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
}

func TestSubscriptionsOfAllTenants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tenant := range []string{"acme", "", "beta"} {
		if tenant != "" {
			w.tenant(tenant)
		}
		for _, name := range []string{"b", "a"} {
			if _, err := w.admin().subscriptions.CreateSubscription(t.Context(), connect.NewRequest(&postriderv1.CreateSubscriptionRequest{
				Tenant: tenant, Subscription: webhook(name, "http://127.0.0.1:1/"),
			})); err != nil {
				t.Fatal(err)
			}
		}
	}
	list := func(c clients, request *postriderv1.ListSubscriptionsRequest) (names []string, err error) {
		for {
			page, err := c.subscriptions.ListSubscriptions(t.Context(), connect.NewRequest(request))
			if err != nil {
				return nil, err
			}
			for _, sub := range page.Msg.GetSubscriptions() {
				names = append(names, sub.GetTenant()+"/"+sub.GetName())
			}
			if request.PageToken = page.Msg.GetNextPageToken(); request.PageToken == "" {
				return names, nil
			}
		}
	}
	secret, _ := w.key("of acme", "acme", postriderv1.ApiKeyScope_API_KEY_SCOPE_CONSUME)
	for _, c := range []struct {
		name string
		by   clients
		want []string
	}{
		{"the server's key", w.admin(), []string{"default/a", "default/b", "acme/a", "acme/b", "beta/a", "beta/b"}},
		{"a tenant's key", w.as(secret), []string{"acme/a", "acme/b"}},
	} {
		for _, size := range []int32{1, 3, 1000} {
			got, err := list(c.by, &postriderv1.ListSubscriptionsRequest{AllTenants: true, PageSize: size})
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%s, pages of %d: %v (%v), want %v", c.name, size, got, err, c.want)
			}
		}
	}
	if _, err := list(w.admin(), &postriderv1.ListSubscriptionsRequest{AllTenants: true, Tenant: "acme"}); codeOf(err) != "invalid_argument" {
		t.Errorf("all tenants and one: %v", err)
	}
	first, err := w.admin().subscriptions.ListSubscriptions(t.Context(), connect.NewRequest(
		&postriderv1.ListSubscriptionsRequest{AllTenants: true, PageSize: 1}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := list(w.admin(), &postriderv1.ListSubscriptionsRequest{PageToken: first.Msg.GetNextPageToken()}); codeOf(err) != "invalid_argument" {
		t.Errorf("a page of all tenants for one: %v", err)
	}
}

func TestSubscriptionsAreListedByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"c", "a", "b"} {
		w.subscribe(webhook(name, "http://127.0.0.1:1/"))
	}
	var names []string
	request := &postriderv1.ListSubscriptionsRequest{PageSize: 2}
	for {
		page, err := w.admin().subscriptions.ListSubscriptions(t.Context(), connect.NewRequest(request))
		if err != nil {
			t.Fatal(err)
		}
		for _, sub := range page.Msg.GetSubscriptions() {
			names = append(names, sub.GetName())
		}
		if request.PageToken = page.Msg.GetNextPageToken(); request.PageToken == "" {
			break
		}
	}
	if got := strings.Join(names, ","); got != "a,b,c" {
		t.Errorf("listed %s", got)
	}
}

func TestRetryBringsADeadDeliveryBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := newEndpoint(t)
	hook.status.Store(http.StatusBadRequest)
	sub := webhook("billing", hook.URL)
	sub.Policy = &postriderv1.DeliveryPolicy{RetrySchedule: []*durationpb.Duration{durationpb.New(100e6)}}
	w.subscribe(sub)
	watch := w.watch(t, &postriderv1.WatchDeliveriesRequest{Subscription: "billing"})
	watch.snapshot(t)
	event := w.publish("order.created", oddNumbers)
	dead := watch.until(t, postriderv1.DeliveryState_DELIVERY_STATE_DEAD)
	if dead.GetEventId() != event.GetId() || dead.GetAttemptCount() != 2 || dead.GetSubscriptionName() != "billing" {
		t.Errorf("dead: %v", dead)
	}
	hook.status.Store(http.StatusOK)
	if _, err := w.admin().deliveries.RetryDelivery(t.Context(), connect.NewRequest(&postriderv1.RetryDeliveryRequest{Id: dead.GetId()})); err != nil {
		t.Fatal(err)
	}
	watch.until(t, postriderv1.DeliveryState_DELIVERY_STATE_DELIVERED)

	got, err := w.admin().deliveries.GetDelivery(t.Context(), connect.NewRequest(&postriderv1.GetDeliveryRequest{Id: dead.GetId()}))
	if err != nil || len(got.Msg.GetAttempts()) != 3 {
		t.Fatalf("%v, %v: want three attempts", got, err)
	}
	for i, attempt := range got.Msg.GetAttempts() {
		request := attempt.GetRequest()
		if int(attempt.GetNumber()) != i+1 || request.GetMethod() != "POST" || request.GetUrl() != hook.URL ||
			strings.Contains(request.GetBody(), oddNumbers) != (i == 2) || request.GetBodyBytes() == 0 || attempt.GetResponse().GetBody() != "thanks" {
			t.Errorf("attempt %d: %v", i+1, attempt)
		}
	}
	var numbers []int32
	for token := ""; len(numbers) == 0 || token != ""; {
		page, err := w.admin().deliveries.GetDelivery(t.Context(), connect.NewRequest(&postriderv1.GetDeliveryRequest{
			Id: dead.GetId(), PageSize: 2, PageToken: token,
		}))
		if err != nil {
			t.Fatal(err)
		}
		for _, attempt := range page.Msg.GetAttempts() {
			numbers = append(numbers, attempt.GetNumber())
		}
		token = page.Msg.GetNextPageToken()
	}
	if !slices.Equal(numbers, []int32{1, 2, 3}) {
		t.Errorf("page by page: %v", numbers)
	}
	if text := got.Msg.String(); strings.Contains(text, "a-secret-token") || !strings.Contains(text, "X-Token") {
		t.Errorf("headers are shown as %v", got.Msg.GetAttempts()[0].GetRequest().GetHeaders())
	}
	if _, err := w.admin().deliveries.RetryDelivery(t.Context(), connect.NewRequest(&postriderv1.RetryDeliveryRequest{Id: dead.GetId()})); codeOf(err) != "failed_precondition" {
		t.Errorf("retry of a delivered one: %v", err)
	}
}

// watched reads a watch.
type watched struct {
	*connect.ServerStreamForClient[postriderv1.WatchDeliveriesResponse]
}

func (w *world) watch(t *testing.T, request *postriderv1.WatchDeliveriesRequest) watched {
	t.Helper()
	stream, err := w.admin().deliveries.WatchDeliveries(soon(t), connect.NewRequest(request))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	return watched{stream}
}

// snapshot reads up to its end.
func (w watched) snapshot(t *testing.T) []*postriderv1.Delivery {
	t.Helper()
	var all []*postriderv1.Delivery
	for w.Receive() {
		if w.Msg().GetSnapshotEnd() != nil {
			return all
		}
		all = append(all, w.Msg().GetSnapshot())
	}
	t.Fatalf("the watch ended: %v", w.Err())
	return nil
}

func (w watched) until(t *testing.T, state postriderv1.DeliveryState) *postriderv1.Delivery {
	t.Helper()
	for w.Receive() {
		if change := w.Msg().GetChange(); change.GetState() == state {
			return change
		}
	}
	t.Fatalf("the watch ended before %v: %v", state, w.Err())
	return nil
}

func TestWatchBeginsWithASnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := newEndpoint(t)
	w.subscribe(webhook("billing", hook.URL))
	first := w.watch(t, &postriderv1.WatchDeliveriesRequest{})
	if got := first.snapshot(t); len(got) != 0 {
		t.Errorf("snapshot of nothing: %v", got)
	}
	event := w.publish("order.created", `{}`)
	first.until(t, postriderv1.DeliveryState_DELIVERY_STATE_DELIVERED)
	second := w.watch(t, &postriderv1.WatchDeliveriesRequest{EventId: event.GetId()})
	if got := second.snapshot(t); len(got) != 1 || got[0].GetEventId() != event.GetId() || got[0].GetEventType() != "order.created" {
		t.Errorf("snapshot %v", got)
	}
	listed, err := w.admin().deliveries.ListDeliveries(t.Context(), connect.NewRequest(&postriderv1.ListDeliveriesRequest{
		Subscription: "billing", EventId: event.GetId(), States: []postriderv1.DeliveryState{postriderv1.DeliveryState_DELIVERY_STATE_DELIVERED},
	}))
	if err != nil || len(listed.Msg.GetDeliveries()) != 1 {
		t.Errorf("listed %v (%v)", listed, err)
	}
}

func TestAListIsReadWhileSubscriptionsComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone := make(chan error, 1)
	go func() {
		gone <- func() error {
			for range 60 {
				created, err := w.admin().subscriptions.CreateSubscription(t.Context(), connect.NewRequest(
					&postriderv1.CreateSubscriptionRequest{Subscription: webhook("fleeting", "http://127.0.0.1:1/")}))
				if err != nil {
					return err
				}
				if _, err := w.admin().subscriptions.DeleteSubscription(t.Context(), connect.NewRequest(
					&postriderv1.DeleteSubscriptionRequest{Id: created.Msg.GetSubscription().GetId()})); err != nil {
					return err
				}
			}
			return nil
		}()
	}()
	for {
		if _, err := w.admin().subscriptions.ListSubscriptions(t.Context(), connect.NewRequest(
			&postriderv1.ListSubscriptionsRequest{})); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-gone:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
	}
}
