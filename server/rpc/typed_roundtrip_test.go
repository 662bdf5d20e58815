package rpc_test

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

var roundTripSeed = flag.Uint64("roundtrip-seed", 1, "the first seed of the round trips")

const roundTrips = 30

// sample is a made-up message that is published in one of the two forms.
type sample struct {
	id      string
	message *dynamicpb.Message
	text    []byte
}

// TestTypedEventsReachEveryReader publishes made-up messages in both forms, and looks that what was published is what
// comes back as JSON and in binary, by Connect and gRPC, and by webhook.
func TestTypedEventsReachEveryReader(t *testing.T) {
	t.Parallel()
	files, err := protodesc.NewFiles(descriptors(t, richSchemas))
	if err != nil {
		t.Fatal(err)
	}
	found, err := files.FindDescriptorByName("test.rich.Edition")
	if err != nil {
		t.Fatal(err)
	}
	types := dynamicpb.NewTypes(files)
	w := newWorld(t, withSchemas(t, richSchemas))
	received := w.receive(2 * roundTrips)
	var samples []sample
	for seed := *roundTripSeed; seed < *roundTripSeed+roundTrips; seed++ {
		message := schematest.New(files, seed).Message(found.(protoreflect.MessageDescriptor))
		text, err := protojson.MarshalOptions{Resolver: types}.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		id := strconv.FormatUint(seed, 10)
		samples = append(samples, sample{"json_" + id, message, text}, sample{"binary_" + id, message, text})
		w.publishBoth(id, message, text)
	}
	hooks := received()
	grpc := w.over(overH2C(), connect.WithGRPC())
	for _, s := range samples {
		binary := getEvent(t, w.admin(), s.id, postriderv1.PayloadFormat_PAYLOAD_FORMAT_UNSPECIFIED)
		s.checkMessage(t, types, binary.GetProtoData())
		s.checkMessage(t, types, getEvent(t, grpc, s.id, postriderv1.PayloadFormat_PAYLOAD_FORMAT_UNSPECIFIED).GetProtoData())
		s.checkText(t, "gRPC as JSON", []byte(getEvent(t, grpc, s.id, postriderv1.PayloadFormat_PAYLOAD_FORMAT_JSON).GetJsonData()))
		var event struct {
			Event struct{ Data json.RawMessage }
		}
		if err := json.Unmarshal([]byte(w.post("/postrider.v1.EventService/GetEvent", adminKey, `{"id":"`+s.id+`"}`).body), &event); err != nil {
			t.Errorf("%s: %v", s.id, err)
		}
		s.checkText(t, "Connect", event.Event.Data)
		s.checkText(t, "webhook", hooks[s.id])
	}
}

// publishBoth publishes a message as plain JSON and in binary.
func (w *world) publishBoth(id string, message proto.Message, text []byte) {
	w.t.Helper()
	name := string(message.ProtoReflect().Descriptor().FullName())
	body := `{"event":{"id":"json_` + id + `","type":"` + name + `","data":` + string(text) + `}}`
	if got := w.post(publishPath, adminKey, body); got.status != http.StatusOK {
		w.t.Fatalf("seed %s: publish answers %d %s", id, got.status, got.body)
	}
	packed, err := anypb.New(message)
	if err != nil {
		w.t.Fatal(err)
	}
	event := &postriderv1.Event{Id: "binary_" + id, Type: name, Payload: &postriderv1.Event_ProtoData{ProtoData: packed}}
	if _, err := w.admin().events.Publish(w.t.Context(), connect.NewRequest(&postriderv1.PublishRequest{Event: event})); err != nil {
		w.t.Fatalf("seed %s: %v", id, err)
	}
}

func getEvent(t *testing.T, c clients, id string, format postriderv1.PayloadFormat) *postriderv1.Event {
	t.Helper()
	got, err := c.events.GetEvent(t.Context(), connect.NewRequest(&postriderv1.GetEventRequest{Id: id, PayloadFormat: format}))
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	return got.Msg.GetEvent()
}

// receive subscribes to everything by webhook. What it returns waits for n events and has the data of each by its id.
func (w *world) receive(n int) func() map[string]json.RawMessage {
	w.t.Helper()
	type delivered struct {
		ID   string
		Data json.RawMessage
	}
	arrivals := make(chan delivered, n)
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var one delivered
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &one)
		}
		if err != nil {
			w.t.Errorf("webhook of %q: %v", body, err)
		}
		arrivals <- one
	}))
	w.t.Cleanup(sink.Close)
	body := `{"subscription":{"name":"all","filter":{"types":["*"]},"target":{"webhook":{"url":"` + sink.URL + `"}}}}`
	if got := w.post(subscribePath, adminKey, body); got.status != http.StatusOK {
		w.t.Fatal(got.body)
	}
	return func() map[string]json.RawMessage {
		ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
		defer cancel()
		all := make(map[string]json.RawMessage)
		for len(all) < n {
			select {
			case one := <-arrivals:
				all[one.ID] = one.Data
			case <-ctx.Done():
				w.t.Fatalf("%d of %d arrived", len(all), n)
			}
		}
		return all
	}
}

func (s sample) checkMessage(t *testing.T, types *dynamicpb.Types, packed *anypb.Any) {
	t.Helper()
	name := string(s.message.Descriptor().FullName())
	read := dynamicpb.NewMessage(s.message.Descriptor())
	err := proto.UnmarshalOptions{Resolver: types}.Unmarshal(packed.GetValue(), read)
	if err != nil || !proto.Equal(read, s.message) || !strings.HasSuffix(packed.GetTypeUrl(), "/"+name) {
		t.Errorf("%s: read %v, %v\nwas %v", s.id, read, err, s.message)
	}
}

func (s sample) checkText(t *testing.T, reader string, text []byte) {
	t.Helper()
	if !reflect.DeepEqual(exactly(t, text), exactly(t, s.text)) {
		t.Errorf("%s, %s: %s\nwas %s", s.id, reader, text, s.text)
	}
}

// exactly decodes JSON with its numbers as they are written.
func exactly(t *testing.T, text []byte) (value any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		t.Errorf("%q: %v", text, err)
	}
	return value
}
