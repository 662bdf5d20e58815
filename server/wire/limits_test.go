package wire_test

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/wire"
)

// TestLimits holds the rules of the contract, the JSON reader and the check of what is accepted to the limits of the domain. Each limit is
// tried with as much as is allowed and with one more, which the named ones refuse.
func TestLimits(t *testing.T) {
	t.Parallel()
	const rules, reader, acceptance = "rules", "reader", "acceptance"
	for _, test := range []struct {
		name    string
		limit   int
		request func(n int) proto.Message
		refuse  []string
	}{
		{"id", gateway.MaxIDLength, event(func(e *postriderv1.Event, n int) { e.Id = strings.Repeat("i", n) }), []string{rules, acceptance}},
		{"type", gateway.MaxTypeLength, event(func(e *postriderv1.Event, n int) { e.Type = strings.Repeat("t", n) }), []string{rules, acceptance}},
		{"source", gateway.MaxSourceLength, event(func(e *postriderv1.Event, n int) { e.Source = strings.Repeat("s", n) }), []string{rules}},
		{"subject", gateway.MaxSubjectLength, event(func(e *postriderv1.Event, n int) { e.Subject = strings.Repeat("s", n) }), []string{rules}},
		{
			"subject of the longest characters", gateway.MaxSubjectLength,
			event(func(e *postriderv1.Event, n int) { e.Subject = strings.Repeat("🖂", n) }),
			[]string{rules, acceptance},
		},
		{
			"source in bytes, where only acceptance is asked", utf8.UTFMax * gateway.MaxSourceLength,
			event(func(e *postriderv1.Event, n int) { e.Source = strings.Repeat("s", n) }),
			[]string{acceptance},
		},
		{"payload", gateway.MaxDataBytes, event(func(e *postriderv1.Event, n int) {
			e.Payload = &postriderv1.Event_JsonData{JsonData: `{"a":"` + strings.Repeat("x", n-len(`{"a":""}`)) + `"}`}
		}), []string{acceptance}},
		{"depth of a payload", gateway.MaxDataDepth, event(func(e *postriderv1.Event, n int) {
			e.Payload = &postriderv1.Event_JsonData{JsonData: strings.Repeat(`{"a":`, n-1) + "{}" + strings.Repeat("}", n-1)}
		}), []string{acceptance}},
		{"batch", gateway.MaxBatch, batch, []string{rules, reader, acceptance}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			refused := map[string]bool{}
			for _, one := range test.refuse {
				refused[one] = true
			}
			inBytes := strings.Contains(test.name, "only acceptance")
			for n, beyond := range map[int]bool{test.limit: false, test.limit + 1: true} {
				request := test.request(n)
				if err := protovalidate.Validate(request); !inBytes && (err != nil) != (beyond && refused[rules]) {
					t.Errorf("the rules, with %d: %v", n, err)
				}
				if err := readJSON(t, request); (err != nil) != (beyond && refused[reader]) {
					t.Errorf("the JSON reader, with %d: %v", n, err)
				}
				if err := accept(t, request); (err != nil) != (beyond && refused[acceptance]) {
					t.Errorf("the acceptance, with %d: %v", n, err)
				}
			}
		})
	}
}

// event makes a request with an event, one attribute of which has a length.
func event(set func(*postriderv1.Event, int)) func(n int) proto.Message {
	return func(n int) proto.Message {
		one := &postriderv1.Event{Type: "a.b"}
		set(one, n)
		return &postriderv1.PublishRequest{Event: one}
	}
}

func batch(n int) proto.Message {
	request := &postriderv1.PublishBatchRequest{}
	for range n {
		request.Events = append(request.Events, &postriderv1.Event{Type: "a.b"})
	}
	return request
}

// readJSON writes a request as JSON, and reads it with the reader of publish requests alone.
func readJSON(t *testing.T, request proto.Message) error {
	t.Helper()
	payload, request := "", proto.Clone(request)
	if one, ok := request.(*postriderv1.PublishRequest); ok && one.GetEvent().GetJsonData() != "" {
		payload, one.Event.Payload = `,"data":`+one.GetEvent().GetJsonData(), nil
	}
	written, err := wire.AppendJSON(nil, request)
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(strings.TrimSuffix(string(written), "}}") + payload + "}}")
	if payload == "" {
		text = written
	}
	into := request.ProtoReflect().New().Interface()
	if err := wire.Codec("json", 0).Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
	return wire.Refusal(into)
}

// accept publishes what a request holds to a log that keeps nothing.
func accept(t *testing.T, request proto.Message) error {
	t.Helper()
	publisher, tenant := publish.New(nowhere{}, schema.NewRegistry()), &gateway.Tenant{ID: 1}
	if one, ok := request.(*postriderv1.PublishRequest); ok {
		draft, err := wire.NewDraft(one.GetEvent())
		if err != nil {
			t.Fatal(err)
		}
		_, err = publisher.Publish(t.Context(), tenant, draft)
		return err
	}
	drafts, err := wire.NewDrafts(request.(*postriderv1.PublishBatchRequest).GetEvents())
	if err != nil {
		t.Fatal(err)
	}
	_, err = publisher.PublishBatch(t.Context(), tenant, drafts)
	return err
}

// nowhere is a log that keeps nothing.
type nowhere struct{ publish.Log }

func (nowhere) Registry() *store.Registry { return &store.Registry{} }

func (nowhere) Cursor(gateway.Position) gateway.Cursor { return gateway.Cursor{} }

func (nowhere) Append(_ context.Context, _ int64, events []store.NewEvent) ([]store.Appended, error) {
	return make([]store.Appended, len(events)), nil
}
