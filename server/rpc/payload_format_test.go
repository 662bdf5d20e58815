package rpc_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

const (
	withDefaults = postriderv1.PayloadFormat_PAYLOAD_FORMAT_JSON_DEFAULTS

	plainParcel = `{"parcelId":"1"}`
	wholeParcel = `{"parcelId":"1","grams":"0","labels":[],"counts":{}}`
)

// parcels is a server that knows a type whose fields have no presence, but for one.
func parcels(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.registered(register(parcel(parcelID, grams, route, "repeated string labels = 4;", "map<string, int32> counts = 5;", "optional bool fragile = 6;")))
	return w
}

// dataOf is the payload of an event in JSON.
func dataOf(t *testing.T, event []byte) string {
	t.Helper()
	var shown struct{ Data json.RawMessage }
	if err := json.Unmarshal(event, &shown); err != nil {
		t.Fatal(err)
	}
	return string(shown.Data)
}

// TestReadersAskForDefaults reads one event on every transport, with the defaults of fields that are not set and without.
func TestReadersAskForDefaults(t *testing.T) {
	t.Parallel()
	w := parcels(t)
	event := w.publish(parcelType, plainParcel)
	untyped := w.publish("note", `{"b":1.10}`)
	for format, want := range map[postriderv1.PayloadFormat]string{
		withDefaults: wholeParcel, postriderv1.PayloadFormat_PAYLOAD_FORMAT_JSON: plainParcel, 0: "",
	} {
		name := strings.TrimPrefix(format.String(), "PAYLOAD_FORMAT_")
		binary := getEvent(t, w.admin(), event.GetId(), format)
		if binary.GetJsonData() != want || (binary.GetProtoData() == nil) != (want != "") {
			t.Errorf("%s: GetEvent shows %v", name, binary)
		}
		if want == "" {
			want = plainParcel
		}
		shown := getEvent(t, w.as(adminKey, connect.WithProtoJSON()), event.GetId(), format)
		text, err := shown.GetData().MarshalJSON()
		if err != nil || len(text) < len(want)/2 || strings.Contains(string(text), "labels") != (format == withDefaults) {
			t.Errorf("%s: GetEvent in JSON shows %s, %v", name, text, err)
		}
		list, err := w.admin().events.ListEvents(t.Context(), connect.NewRequest(&postriderv1.ListEventsRequest{
			Types: []string{"note"}, PayloadFormat: withDefaults,
		}))
		if err != nil || list.Msg.GetEvents()[0].GetJsonData() != `{"b":1.10}` || list.Msg.GetEvents()[0].GetId() != untyped.GetId() {
			t.Errorf("%s: an event without a schema is listed as %v, %v", name, list, err)
		}
		request := &postriderv1.SubscribeRequest{Start: "earliest", PayloadFormat: format}
		stream := subscribe(t, w.admin(), request)
		if got := nextEvent(t, stream); format != 0 && got.GetJsonData() != want {
			t.Errorf("%s: Subscribe brings %v", name, got)
		}
		socket := w.readySocket(adminKey)
		socket.subscribe("s", `{"start":"earliest","payloadFormat":"`+format.String()+`"}`)
		if one, _ := socket.event("s"); dataOf(t, one.Message.Event) != want {
			t.Errorf("%s: the socket brings %s", name, one.Message.Event)
		}
	}
	for query, want := range map[string]string{
		"": plainParcel, "&payload_format=json": plainParcel, "&payload_format=json_defaults": wholeParcel,
	} {
		events := w.listen(http.DefaultClient, adminKey, "start=earliest"+query)
		events.expect("begin")
		if got := events.expect("message"); dataOf(t, []byte(got.data)) != want {
			t.Errorf("SSE %s: %s", query, got.data)
		}
		lines := w.listenLines("start=earliest" + query)
		lines.next()
		var line struct{ Event json.RawMessage }
		if err := json.Unmarshal([]byte(lines.next()), &line); err != nil || dataOf(t, line.Event) != want {
			t.Errorf("NDJSON %s: %s, %v", query, line.Event, err)
		}
	}
	refused := w.do(http.MethodGet, "/v1/events/stream?payload_format=proto", adminKey, "")
	if refused.status != http.StatusBadRequest || !strings.Contains(refused.body, "payload_format: must be json or json_defaults") {
		t.Errorf("another format: %d %s", refused.status, refused.body)
	}
}

// TestWebhooksWithDefaults changes how a subscription gets payloads between two attempts of one delivery.
func TestWebhooksWithDefaults(t *testing.T) {
	t.Parallel()
	w := parcels(t)
	hook := newEndpoint(t)
	hook.status.Store(http.StatusBadRequest)
	asked := webhook("billing", hook.URL)
	asked.PayloadFormat = withDefaults
	asked.Policy = &postriderv1.DeliveryPolicy{RetrySchedule: []*durationpb.Duration{durationpb.New(3600e9)}}
	sub := w.subscribe(asked)
	if sub.GetPayloadFormat() != withDefaults {
		t.Errorf("created %v", sub)
	}
	plain := newEndpoint(t)
	w.subscribe(webhook("plain", plain.URL))
	watch := w.watch(t, &postriderv1.WatchDeliveriesRequest{Subscription: "billing"})
	watch.snapshot(t)
	w.publish(parcelType, plainParcel)
	failed := watch.until(t, postriderv1.DeliveryState_DELIVERY_STATE_RETRYING)
	if got := dataOf(t, plain.next(t).body); got != plainParcel {
		t.Errorf("the other subscription gets %s", got)
	}
	updated, err := w.admin().subscriptions.UpdateSubscription(t.Context(), connect.NewRequest(&postriderv1.UpdateSubscriptionRequest{
		Subscription: &postriderv1.Subscription{Id: sub.GetId()}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"payload_format"}},
	}))
	if err != nil || updated.Msg.GetSubscription().GetPayloadFormat() != 0 {
		t.Fatal(updated, err)
	}
	hook.status.Store(http.StatusOK)
	if _, err := w.admin().deliveries.RetryDelivery(t.Context(), connect.NewRequest(&postriderv1.RetryDeliveryRequest{Id: failed.GetId()})); err != nil {
		t.Fatal(err)
	}
	watch.until(t, postriderv1.DeliveryState_DELIVERY_STATE_DELIVERED)
	got, err := w.admin().deliveries.GetDelivery(t.Context(), connect.NewRequest(&postriderv1.GetDeliveryRequest{Id: failed.GetId()}))
	if err != nil || len(got.Msg.GetAttempts()) != 2 {
		t.Fatal(got, err)
	}
	for i, want := range []string{wholeParcel, plainParcel} {
		body, shown := string(hook.next(t).body), got.Msg.GetAttempts()[i].GetRequest().GetBody()
		if dataOf(t, []byte(body)) != want || shown != body {
			t.Errorf("attempt %d sent %s, is shown with %s, want %s", i+1, body, shown, want)
		}
	}
}

// TestAPageWithDefaultsIsBounded lists events of a few hundred bytes that have almost a megabyte of defaults each.
func TestAPageWithDefaultsIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fields := []string{parcelID, route, "repeated ParcelSent all = 4;"}
	for i := range 300 {
		fields = append(fields, fmt.Sprintf("int32 a_field_with_a_name_of_some_length_%d = %d;", i, i+10))
	}
	w.registered(register(parcel(fields...)))
	const events = 40
	for range events {
		w.publish(parcelType, `{"all":[`+strings.Repeat(`{},`, 60)+`{}]}`)
	}
	seen, pages := map[string]bool{}, 0
	request := &postriderv1.ListEventsRequest{PageSize: 1000, PayloadFormat: withDefaults}
	for pages == 0 || request.GetPageToken() != "" {
		page, err := w.admin().events.ListEvents(t.Context(), connect.NewRequest(request))
		if err != nil {
			t.Fatal(err)
		}
		pages++
		size := 0
		for _, event := range page.Msg.GetEvents() {
			seen[event.GetId()] = true
			size += len(event.GetJsonData())
		}
		if size > 5<<20 {
			t.Errorf("page %d has %d bytes", pages, size)
		}
		request.PageToken = page.Msg.GetNextPageToken()
	}
	if len(seen) != events || pages < 5 {
		t.Errorf("%d events on %d pages", len(seen), pages)
	}
}
