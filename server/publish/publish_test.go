package publish_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/seal"
	"github.com/postrider-dev/postrider/server/store"
)

const shopFile = "../../gen/descriptors/shop.v1.binpb"

// world is a publisher on a real store.
type world struct {
	*publish.Publisher
	t      *testing.T
	store  *store.Store
	tenant *gateway.Tenant
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ring, err := seal.ParseKeyring(strings.Repeat("00", 32))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Config{
		Data: t.TempDir(), Keyring: ring, Logger: slog.New(slog.DiscardHandler), NoSync: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
	tenant, err := s.TenantByName(t.Context(), gateway.DefaultTenant)
	if err != nil {
		t.Fatal(err)
	}
	return &world{Publisher: publish.New(s, schema.NewRegistry()), t: t, store: s, tenant: tenant}
}

// register stores the schemas of a descriptor set, without notifying the publisher.
func (w *world) register(set []byte) {
	w.t.Helper()
	types, err := compile.Select(set, compile.Selection{All: true})
	if err != nil {
		w.t.Fatal(err)
	}
	var fresh []store.NewSchema
	for _, one := range types {
		fresh = append(fresh, store.NewSchema{Type: one.Type, Message: one.Message, Files: one.Files, Hash: one.Hash})
	}
	if err := w.store.RegisterSchemas(w.t.Context(), 0, store.NewTypes{Level: gateway.LevelEnforce}, fresh); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) publish(draft gateway.Draft) gateway.Ack {
	w.t.Helper()
	ack, err := w.Publish(w.t.Context(), w.tenant, draft)
	if err != nil {
		w.t.Fatal(err)
	}
	return ack
}

func (w *world) stored(id string) *gateway.Event {
	w.t.Helper()
	event, err := w.store.EventByID(w.t.Context(), w.tenant.ID, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return event
}

func draft(kind, data string) gateway.Draft {
	return gateway.Draft{Type: kind, Payload: gateway.Payload{JSON: []byte(data)}}
}

func withID(id string, d gateway.Draft) gateway.Draft {
	d.ID = id
	return d
}

func shopSet(t *testing.T) []byte {
	t.Helper()
	set, err := os.ReadFile(shopFile)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestPublishFillsInWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := `{ "n": 9007199254740993, "price": 1.10, "b": 1, "a": 2, "@type": "x" }`
	ack := w.publish(draft("order.created", text))
	event := w.stored(ack.ID)
	if ack.Duplicate || ack.Cursor.Position != event.Position || !strings.HasPrefix(ack.ID, "evt_") || len(ack.ID) != 30 {
		t.Errorf("acknowledged %+v", ack)
	}
	if string(event.Data) != text || event.Schema != 0 || event.Source != "postrider" || event.Time.IsZero() {
		t.Errorf("stored %+v", event)
	}
	empty := w.stored(w.publish(gateway.Draft{Type: "x"}).ID)
	if string(empty.Data) != "{}" {
		t.Errorf("no payload became %s", empty.Data)
	}
}

func TestPublishKeepsWhatIsGiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := time.Date(1969, 7, 20, 20, 17, 40, 123456789, time.UTC)
	given := withID("order:42", draft("order.created", `{}`))
	given.Source, given.Subject, given.Time = "/shop", "42", &at
	w.publish(given)
	event := w.stored("order:42")
	if event.Source != "/shop" || event.Subject != "42" || !event.Time.Equal(at) || event.Type != "order.created" {
		t.Errorf("stored %+v", event)
	}
}

func TestBadDraftsAreRefusedAndNotStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(shopSet(t))
	w.publish(draft("warm.up", `{}`))
	head := w.store.Head()
	zero := time.Time{}
	typed := func(message string, raw []byte) gateway.Payload {
		return gateway.Payload{Message: message, Binary: raw}
	}
	tests := []struct {
		name   string
		draft  gateway.Draft
		field  string
		reason gateway.Reason
	}{
		{"no type", draft("", `{}`), "event.type", gateway.ReasonInvalidField},
		{"bad type", draft("a..b", `{}`), "event.type", gateway.ReasonInvalidField},
		{"bad id", withID("no spaces", draft("a", `{}`)), "event.id", gateway.ReasonInvalidField},
		{"long source", gateway.Draft{Type: "a", Source: strings.Repeat("x", 3000)}, "event.source", gateway.ReasonInvalidField},
		{"long subject", gateway.Draft{Type: "a", Subject: strings.Repeat("x", 3000)}, "event.subject", gateway.ReasonInvalidField},
		{"no such time", gateway.Draft{Type: "a", Time: &zero}, "event.time", gateway.ReasonInvalidField},
		{"too large", draft("a", `{"x":"`+strings.Repeat("x", gateway.MaxDataBytes)+`"}`), "event.data", gateway.ReasonTooLarge},
		{"too large, binary", gateway.Draft{Type: "shop.v1.Money", Payload: typed("shop.v1.Money", make([]byte, gateway.MaxDataBytes+1))}, "event.data", gateway.ReasonTooLarge},
		{"not an object", draft("a", `[]`), "event.data", gateway.ReasonInvalidField},
		{"not JSON", draft("a", `{"x":`), "event.data", gateway.ReasonMalformedRequest},
		{"not UTF-8", draft("a", "{\"x\":\"\xff\"}"), "event.data.x", gateway.ReasonMalformedRequest},
		{"deep", draft("a", strings.Repeat(`{"a":`, 200)+`1`+strings.Repeat(`}`, 200)), "event.data" + strings.Repeat(".a", 100), gateway.ReasonInvalidField},
		{"message without a schema", gateway.Draft{Type: "a", Payload: typed("shop.v1.Money", nil)}, "event.proto_data", gateway.ReasonInvalidField},
		{"other message", gateway.Draft{Type: "shop.v1.Money", Payload: typed("shop.v1.Address", nil)}, "event.proto_data", gateway.ReasonInvalidField},
		{"unknown field", draft("shop.v1.Money", `{"currency":"EUR","cents":1}`), "event.data.cents", gateway.ReasonSchemaViolation},
		{"rule", draft("shop.v1.Money", `{"currency":"EUR","minorUnits":-1}`), "event.data.minorUnits", gateway.ReasonSchemaViolation},
		{"rule, binary", gateway.Draft{Type: "shop.v1.Money", Payload: typed("shop.v1.Money", money(t, "eur", 1))}, "event.data.currency", gateway.ReasonSchemaViolation},
		{"no payload for a schema that needs one", gateway.Draft{Type: "shop.v1.Money"}, "event.data.currency", gateway.ReasonSchemaViolation},
		{"broken message", gateway.Draft{Type: "shop.v1.Money", Payload: typed("shop.v1.Money", []byte{0xff})}, "event.data", gateway.ReasonSchemaViolation},
	}
	for _, test := range tests {
		_, err := w.Publish(t.Context(), w.tenant, test.draft)
		var fault *gateway.Error
		if !errors.As(err, &fault) || fault.Code != gateway.CodeInvalid || fault.Reason != test.reason || fault.Fields[0].Field != test.field ||
			!strings.HasPrefix(fault.Message, test.field) {
			t.Errorf("%s: %v, want one of %s", test.name, err, test.field)
		}
	}
	if w.store.Head() != head {
		t.Errorf("something was stored: head %d, was %d", w.store.Head(), head)
	}
}

func TestTypedEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(shopSet(t))
	fromJSON := w.stored(w.publish(draft("shop.v1.Money", `{"minor_units":9007199254740993, "currency":"EUR"}`)).ID)
	fromBinary := w.stored(w.publish(gateway.Draft{
		Type: "shop.v1.Money", Payload: gateway.Payload{Message: "shop.v1.Money", Binary: money(t, "EUR", 9007199254740993)},
	}).ID)
	if fromJSON.Schema == 0 || fromJSON.Schema != fromBinary.Schema || string(fromJSON.Data) != string(fromBinary.Data) {
		t.Errorf("stored %+v and %+v", fromJSON, fromBinary)
	}
}

func TestRepeatsAndConflicts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(shopSet(t))
	at := time.Unix(1709209800, 0)
	first := withID("a", draft("order.created", `{"a":1.10,"b":{"c":"é","d":[]}}`))
	first.Source, first.Subject, first.Time = "/s", "x", &at
	typed := withID("t", draft("shop.v1.Money", `{"currency":"EUR","minorUnits":5}`))
	acks := map[string]gateway.Ack{"a": w.publish(first), "t": w.publish(typed)}

	change := func(of gateway.Draft, change func(*gateway.Draft)) gateway.Draft {
		change(&of)
		return of
	}
	data := func(text string) func(*gateway.Draft) {
		return func(d *gateway.Draft) { d.Payload.JSON = []byte(text) }
	}
	later := at.Add(1)
	tests := []struct {
		name  string
		draft gateway.Draft
		same  bool
	}{
		{"again", first, true},
		{"order, white space and escapes", change(first, data(` {"b":{"d":[ ],"c":"\u00e9"},"a":1.10}`)), true},
		{"same time, other zone", change(first, func(d *gateway.Draft) { east := at.In(time.FixedZone("", 3600)); d.Time = &east }), true},
		{"number spelled otherwise", change(first, data(`{"a":1.1,"b":{"c":"é","d":[]}}`)), false},
		{"other data", change(first, data(`{}`)), false},
		{"other type", change(first, func(d *gateway.Draft) { d.Type = "order.paid" }), false},
		{"other source", change(first, func(d *gateway.Draft) { d.Source = "/t" }), false},
		{"source left out", change(first, func(d *gateway.Draft) { d.Source = "" }), false},
		{"other subject", change(first, func(d *gateway.Draft) { d.Subject = "y" }), false},
		{"other time", change(first, func(d *gateway.Draft) { d.Time = &later }), false},
		{"time left out", change(first, func(d *gateway.Draft) { d.Time = nil }), false},
		{"typed, spelled otherwise", change(typed, data(`{"minor_units":"5","currency":"EUR"}`)), true},
		{"typed, binary", change(typed, func(d *gateway.Draft) {
			d.Payload = gateway.Payload{Message: "shop.v1.Money", Binary: money(t, "EUR", 5)}
		}), true},
		{"typed, other", change(typed, data(`{"currency":"EUR","minorUnits":6}`)), false},
	}
	for _, test := range tests {
		ack, err := w.Publish(t.Context(), w.tenant, test.draft)
		if test.same {
			if want := acks[test.draft.ID]; err != nil || !ack.Duplicate || ack.ID != want.ID || ack.Cursor != want.Cursor {
				t.Errorf("%s: %+v, %v", test.name, ack, err)
			}
			continue
		}
		var fault *gateway.Error
		if !errors.As(err, &fault) || fault.Code != gateway.CodeAlreadyExists || fault.Reason != gateway.ReasonEventIDConflict {
			t.Errorf("%s: %+v, %v", test.name, ack, err)
		}
	}
}

// A repeat is compared in the schema version of the stored event.
func TestRepeatsUnderANewerSchema(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	untyped := withID("before", draft("shop.v1.Money", `{"currency":"EUR","minorUnits":5}`))
	w.publish(untyped)
	w.register(shopSet(t))
	typed := withID("after", draft("shop.v1.Money", `{"currency":"EUR","minorUnits":5}`))
	first := w.publish(typed)
	w.register(renumbered(t))

	for _, repeat := range []gateway.Draft{untyped, typed} {
		if ack, err := w.Publish(t.Context(), w.tenant, repeat); err != nil || !ack.Duplicate {
			t.Errorf("%s: %+v, %v", repeat.ID, ack, err)
		}
		repeat.Payload.JSON = []byte(`{"currency":"EUR","minorUnits":6}`)
		if _, err := w.Publish(t.Context(), w.tenant, repeat); gateway.ErrorCode(err) != gateway.CodeAlreadyExists {
			t.Errorf("%s, changed: %v", repeat.ID, err)
		}
	}
	// A repeat in a batch does not prevent the other events from being stored.
	acks, err := w.PublishBatch(t.Context(), w.tenant, []gateway.Draft{draft("x", `{}`), typed, draft("y", `{}`)})
	if err != nil || acks[0].Duplicate || !acks[1].Duplicate || acks[1].Cursor != first.Cursor || acks[2].Duplicate {
		t.Errorf("%+v, %v", acks, err)
	}
	if fresh := w.stored(w.publish(draft("shop.v1.Money", `{"currency":"EUR"}`)).ID); fresh.Schema == w.stored("after").Schema {
		t.Error("a new event was stored under the old schema")
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(shopSet(t))
	acks, err := w.PublishBatch(t.Context(), w.tenant, []gateway.Draft{
		draft("a", `{}`), withID("one", draft("b", `{}`)), withID("one", draft("b", `{}`)), draft("shop.v1.Money", `{"currency":"EUR"}`),
	})
	if err != nil || len(acks) != 4 || acks[1].ID != "one" || !acks[2].Duplicate || acks[2].Cursor != acks[1].Cursor ||
		acks[3].Cursor.Position != acks[0].Cursor.Position+2 {
		t.Fatalf("%+v, %v", acks, err)
	}
	head := w.store.Head()
	many := make([]gateway.Draft, gateway.MaxBatch+1)
	tests := []struct {
		name   string
		drafts []gateway.Draft
		code   gateway.Code
		fields []string
	}{
		{"empty", nil, gateway.CodeInvalid, []string{"events"}},
		{"too many", many, gateway.CodeInvalid, []string{"events"}},
		{"one bad", []gateway.Draft{draft("a", `{}`), draft("", `{}`)}, gateway.CodeInvalid, []string{"events[1].type"}},
		{"several bad", []gateway.Draft{
			draft("shop.v1.Money", `{"currency":1,"x":2}`), draft("a", `{}`), draft("shop.v1.Money", `{"currency":"eur"}`),
		}, gateway.CodeInvalid, []string{"events[0].data.currency", "events[0].data.x", "events[2].data.currency"}},
		{"conflict", []gateway.Draft{draft("a", `{}`), withID("one", draft("c", `{}`))}, gateway.CodeAlreadyExists, []string{"events[1].id"}},
		{"conflict inside", []gateway.Draft{withID("n", draft("a", `{}`)), withID("n", draft("b", `{}`))}, gateway.CodeAlreadyExists, []string{"events[1].id"}},
	}
	for _, test := range tests {
		_, err := w.PublishBatch(t.Context(), w.tenant, test.drafts)
		var fault *gateway.Error
		if !errors.As(err, &fault) || fault.Code != test.code {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var fields []string
		for _, v := range fault.Fields {
			fields = append(fields, v.Field)
		}
		if !slices.Equal(fields, test.fields) || !strings.HasPrefix(fault.Message, test.fields[0]) {
			t.Errorf("%s: %v (%s), want %v", test.name, fields, fault.Message, test.fields)
		}
	}
	if w.store.Head() != head {
		t.Errorf("something was stored: head %d, was %d", w.store.Head(), head)
	}
}

func money(t *testing.T, currency string, units int64) []byte {
	t.Helper()
	raw, err := proto.Marshal(&shopv1.Money{Currency: currency, MinorUnits: units})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// renumbered returns the example schema with another field number, so that the same payload has another encoding.
func renumbered(t *testing.T) []byte {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(shopSet(t), set); err != nil {
		t.Fatal(err)
	}
	for _, file := range set.GetFile() {
		if file.GetName() == "shop/v1/money.proto" {
			file.GetMessageType()[0].GetField()[1].Number = proto.Int32(17)
		}
	}
	raw, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
