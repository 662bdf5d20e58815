package rpc_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// referring are the names of the texts that refer to something that is there, by id or by name.
var referring = []string{"id", "event_id", "subscription", "tenant"}

// notReferring are texts of those names that the caller chooses, or that only the server sets and ignores in a request.
var notReferring = map[string]bool{
	"Publish event.id": true, "PublishBatch events.id": true, "PublishStream event.id": true,
	"Publish event.tenant": true, "PublishBatch events.tenant": true, "PublishStream event.tenant": true,
	"CreateApiKey api_key.id": true, "CreateSubscription subscription.id": true,
	"CreateSubscription subscription.tenant": true, "UpdateSubscription subscription.tenant": true,
}

// alongside is what a request needs besides what it refers to, for the caller's own tenant.
var alongside = map[string]string{
	"Publish":            `{"event":{"type":"a","jsonData":"{}"}}`,
	"PublishBatch":       `{"events":[{"type":"a","jsonData":"{}"}]}`,
	"PublishStream":      `{"event":{"type":"a","jsonData":"{}"}}`,
	"CreateApiKey":       `{"apiKey":{"name":"n","scopes":["API_KEY_SCOPE_CONSUME"]}}`,
	"CreateSubscription": `{"subscription":{"name":"n","target":{"webhook":{"url":"http://127.0.0.1:1/"}}}}`,
	"UpdateSubscription": `{"subscription":{"id":"own","description":"x"}}`,
	"UpdateEventType":    `{"eventType":{"name":"order.created","level":"ENFORCEMENT_LEVEL_OFF"},"updateMask":"level"}`,
	"UpdateTenant":       `{"tenant":{"displayName":"x"}}`,
	"GetEventType":       `{"name":"order.created"}`,
	"TestFilter":         `{"filter":{}}`,
	"CountDeliveries":    `{"eventIds":["e1"]}`,
	"Watch":              `{"span":"3600s"}`,
}

// What belongs to another tenant and what does not exist are refused with the same words, in every text of every request
// that refers to something. A new one is tried, too: where its request needs more than that, it needs a line above.
func TestAForeignIDIsRefusedAsAMissingOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	foreign := w.foreignThings()
	caller, _ := w.key("caller", "other", admin)
	unused, tried := maps.Clone(notReferring), 0
	for _, method := range contractMethods(t) {
		for _, path := range textPaths(method.Input(), nil) {
			what := string(method.Name()) + " " + pathText(path)
			named := slices.Contains(referring, string(path[len(path)-1].Name())) || what == "UpdateTenant tenant.name"
			if !named || notReferring[what] {
				delete(unused, what)
				continue
			}
			for _, id := range foreign[kindOf(method, path)] {
				tried++
				theirs, none := w.refer(caller, method, path, id), w.refer(caller, method, path, missing(id))
				if theirs != none || !strings.HasPrefix(theirs, "not_found") && !strings.HasPrefix(theirs, "permission_denied") {
					t.Errorf("%s\nforeign: %s\nmissing: %s", what, theirs, none)
				}
			}
		}
	}
	if len(unused) > 0 || tried < 45 {
		t.Errorf("%d tried; not there any more: %v", tried, unused)
	}
}

// foreignThings makes what another tenant than the caller's has, by kind.
func (w *world) foreignThings() map[string][]string {
	t := w.t
	hook := newEndpoint(t)
	sub := w.subscribe(webhook("billing", hook.URL))
	event := w.publish("order.created", `{}`)
	hook.next(t)
	watch := w.watch(t, &postriderv1.WatchDeliveriesRequest{EventId: event.GetId()})
	delivery := watch.snapshot(t)
	if len(delivery) == 0 {
		delivery = append(delivery, watch.until(t, postriderv1.DeliveryState_DELIVERY_STATE_DELIVERED))
	}
	w.listen(http.DefaultClient, adminKey, "").expect("begin")
	stream := w.admin().listStreams(t, &postriderv1.ListStreamsRequest{}).GetStreams()[0].GetId()
	_, key := w.key("foreign", "", consume)
	w.tenant("other")
	return map[string][]string{
		"tenant": {"default"}, "event": {event.GetId()}, "subscription": {sub.GetId(), "billing"},
		"delivery": {delivery[0].GetId()}, "key": {key}, "stream": {stream},
	}
}

// kindOf returns what a text refers to.
func kindOf(method protoreflect.MethodDescriptor, path []protoreflect.FieldDescriptor) string {
	switch string(path[len(path)-1].Name()) {
	case "tenant", "name":
		return "tenant"
	case "event_id":
		return "event"
	case "subscription":
		return "subscription"
	}
	return map[string]string{
		"ApiKeyService": "key", "DeliveryService": "delivery", "EventService": "event", "StreamService": "stream",
		"SubscriptionService": "subscription",
	}[string(method.Parent().Name())]
}

func pathText(path []protoreflect.FieldDescriptor) string {
	names := make([]string, len(path))
	for i, field := range path {
		names[i] = string(field.Name())
	}
	return strings.Join(names, ".")
}

func missing(id string) string {
	last := id[len(id)-1]
	if last == '0' {
		return id[:len(id)-1] + "1"
	}
	return id[:len(id)-1] + "0"
}

// refer calls a method with an id at one place and returns the code and the words it is refused with, or its first answer.
func (w *world) refer(key string, method protoreflect.MethodDescriptor, path []protoreflect.FieldDescriptor, id string) string {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	request := dynamicpb.NewMessage(method.Input())
	if text := alongside[string(method.Name())]; text != "" {
		if err := protojson.Unmarshal([]byte(text), request); err != nil {
			w.t.Fatal(err)
		}
	}
	if path[0].IsList() {
		w.t.Fatalf("%s refers in a list: set it in the one there is", method.Name())
	}
	if field := method.Input().Fields().ByName("id"); field != nil {
		request.Set(field, protoreflect.ValueOfString("x"))
	}
	setText(request, path, id)
	stream := w.dynamicCall(ctx, key, method)
	_ = stream.Send(request)
	_ = stream.CloseRequest()
	answer, err := stream.Receive()
	if err == nil {
		return answer.String()
	}
	return strings.ReplaceAll(fmt.Sprint(connect.CodeOf(err), " ", err), id, "ID")
}
