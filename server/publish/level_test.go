package publish_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/store"
)

const moneyType = "shop.v1.Money"

// level sets the level of the tests' type, without notifying the publisher.
func (w *world) level(level gateway.Level) {
	w.t.Helper()
	_, err := w.store.UpdateEventType(w.t.Context(), moneyType, 0, func(to *gateway.EventType) error {
		to.Level = level
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// told publishes a draft and returns its outcome: "refused", or how it was stored and marked.
func (w *world) told(d gateway.Draft) string {
	w.t.Helper()
	ack, err := w.Publish(w.t.Context(), w.tenant, d)
	var fault *gateway.Error
	if errors.As(err, &fault) {
		return "refused " + fault.Fields[0].Field
	}
	if err != nil {
		w.t.Fatal(err)
	}
	event := w.stored(ack.ID)
	kind := "typed"
	if event.Schema == 0 {
		kind = "text"
	}
	if event.Unfit != 0 {
		kind = "unfit"
	}
	for _, v := range event.Violations {
		kind += " " + v.Field
	}
	return kind
}

func TestLevels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(shopSet(t))
	unknown := protowire.AppendVarint(protowire.AppendTag(money(t, "EUR", 1), 99, protowire.VarintType), 1)
	binary := func(raw []byte) gateway.Draft {
		return gateway.Draft{Type: moneyType, Payload: gateway.Payload{Message: moneyType, Binary: raw}}
	}
	tests := []struct {
		name               string
		draft              gateway.Draft
		enforce, warn, off string
	}{
		{"keeps the schema", draft(moneyType, `{"currency":"EUR","minorUnits":"5"}`), "typed", "typed", "typed"},
		{"keeps it, binary", binary(money(t, "EUR", 5)), "typed", "typed", "typed"},
		{"breaks a rule", draft(moneyType, `{"currency":"eur"}`), "refused event.data.currency", "typed event.data.currency", "typed"},
		{"breaks a rule, binary", binary(money(t, "eur", 5)), "refused event.data.currency", "typed event.data.currency", "typed"},
		{"breaks two rules", draft(moneyType, `{"currency":"eur","minorUnits":-1}`), "refused event.data.currency", "typed event.data.currency event.data.minorUnits", "typed"},
		{"does not fit", draft(moneyType, `{"currency":"EUR","cents":1}`), "refused event.data.cents", "unfit event.data.cents", "unfit event.data.cents"},
		{"does not fit, twice", draft(moneyType, `{"currency":1,"cents":1}`), "refused event.data.currency", "unfit event.data.currency event.data.cents", "unfit event.data.currency event.data.cents"},
		{"number that would be rounded", draft(moneyType, `{"currency":"EUR","minorUnits":0.5}`), "refused event.data.minorUnits", "unfit event.data.minorUnits", "unfit event.data.minorUnits"},
		{"field number that is not in the message", binary(unknown), "refused event.data", "refused event.data", "refused event.data"},
		{"broken message", binary([]byte{0xff}), "refused event.data", "refused event.data", "refused event.data"},
		{"other message", gateway.Draft{Type: moneyType, Payload: gateway.Payload{Message: "shop.v1.Address"}}, "refused event.proto_data", "refused event.proto_data", "refused event.proto_data"},
		{"not JSON", draft(moneyType, `{"currency"`), "refused event.data", "refused event.data", "refused event.data"},
		{"not an object", draft(moneyType, `[1]`), "refused event.data", "refused event.data", "refused event.data"},
		{"no payload", gateway.Draft{Type: moneyType}, "refused event.data.currency", "typed event.data.currency", "typed"},
	}
	for _, level := range []gateway.Level{gateway.LevelEnforce, gateway.LevelWarn, gateway.LevelOff} {
		w.level(level)
		for _, test := range tests {
			want := []string{gateway.LevelOff: test.off, gateway.LevelWarn: test.warn, gateway.LevelEnforce: test.enforce}[level]
			if got := w.told(test.draft); got != want {
				t.Errorf("%s, %v: %s, want %s", test.name, level, got, want)
			}
		}
	}
	// Text that is not JSON, and a message of another type, are not counted against the schema.
	if got, want := w.Counts(w.tenant.ID, moneyType), (publish.Counts{Warned: 7, Refused: 14}); !reflect.DeepEqual(got, want) {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

// TestUnknownFieldsThatATypeIgnores expects unknown fields to be left out and counted, in both forms, at every depth and for
// every level. A repeat is the same event with or without those fields.
func TestUnknownFieldsThatATypeIgnores(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(shopSet(t))
	for _, name := range []string{moneyType, "shop.v1.OrderCreated"} {
		_, err := w.store.UpdateEventType(t.Context(), name, 0, func(to *gateway.EventType) error {
			to.UnknownFields = gateway.IgnoreUnknown
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	unknown := protowire.AppendVarint(protowire.AppendTag(money(t, "EUR", 1), 99, protowire.VarintType), 1)
	for _, level := range []gateway.Level{gateway.LevelEnforce, gateway.LevelWarn, gateway.LevelOff} {
		w.level(level)
		for _, payload := range []gateway.Payload{
			{JSON: []byte(`{"currency":"EUR","cents":{"a":[1]},"minorUnits":"1"}`)},
			{Message: moneyType, Binary: unknown},
		} {
			ack, err := w.Publish(t.Context(), w.tenant, gateway.Draft{Type: moneyType, Payload: payload})
			if err != nil {
				t.Fatal(err)
			}
			if event := w.stored(ack.ID); string(event.Data) != string(money(t, "EUR", 1)) || len(event.Violations) > 0 || event.Unfit != 0 {
				t.Errorf("%v: stored %x, %+v", level, event.Data, event.Violations)
			}
		}
	}
	want := publish.Counts{Ignored: 6, IgnoredFields: []string{"event.data.cents", "event.data.99"}}
	if got := w.Counts(w.tenant.ID, moneyType); !reflect.DeepEqual(got, want) {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	w.level(gateway.LevelEnforce)
	for i, data := range []string{`{"currency":"EUR","cents":1}`, `{"currency":"EUR"}`, `{"currency":"EUR","other":[]}`} {
		again := draft(moneyType, data)
		again.ID = "again"
		if ack, err := w.Publish(t.Context(), w.tenant, again); err != nil || ack.Duplicate != (i > 0) {
			t.Errorf("%s: %+v, %v", data, ack, err)
		}
	}
	if got := w.told(draft(moneyType, `{"currency":"eur","cents":1}`)); got != "refused event.data.currency" {
		t.Errorf("a rule is broken: %s", got)
	}
}

// A producer repeated an event after its response was lost. If the type had come to refuse unknown fields in the meantime,
// the repeat was refused, or the id was reported as used with other content.
func TestRepeatsOfEventsWhoseUnknownFieldsWereIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(shopSet(t))
	unknown := func(what gateway.UnknownFields) {
		t.Helper()
		_, err := w.store.UpdateEventType(t.Context(), moneyType, 0, func(to *gateway.EventType) error {
			to.UnknownFields = what
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.level(gateway.LevelEnforce)
	unknown(gateway.IgnoreUnknown)
	binary := protowire.AppendVarint(protowire.AppendTag(money(t, "EUR", 1), 99, protowire.VarintType), 1)
	drafts := []gateway.Draft{
		withID("json", draft(moneyType, `{"currency":"EUR","minorUnits":"1","cents":1}`)),
		{ID: "binary", Type: moneyType, Payload: gateway.Payload{Message: moneyType, Binary: binary}},
	}
	for _, one := range drafts {
		w.publish(one)
	}
	unknown(gateway.RefuseUnknown)
	for _, level := range []gateway.Level{gateway.LevelEnforce, gateway.LevelWarn, gateway.LevelOff} {
		w.level(level)
		for _, one := range drafts {
			if ack, err := w.Publish(t.Context(), w.tenant, one); err != nil || !ack.Duplicate {
				t.Errorf("%s, %v: %+v, %v", one.ID, level, ack, err)
			}
		}
		_, err := w.Publish(t.Context(), w.tenant, withID("json", draft(moneyType, `{"currency":"USD","minorUnits":"1","cents":1}`)))
		if err == nil {
			t.Errorf("%v: other content passes for a repeat", level)
		}
	}
}

func TestALevelOfOneTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(shopSet(t))
	acme, err := w.store.CreateTenant(t.Context(), gateway.Tenant{Name: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.store.UpdateEventType(t.Context(), moneyType, 0, func(to *gateway.EventType) error {
		to.TenantLevels[acme.ID] = gateway.LevelWarn
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	bad := draft(moneyType, `{"currency":"eur"}`)
	if _, err := w.Publish(t.Context(), acme, bad); err != nil {
		t.Errorf("the tenant that is warned: %v", err)
	}
	if _, err := w.Publish(t.Context(), w.tenant, bad); gateway.ErrorCode(err) != gateway.CodeInvalid {
		t.Errorf("another tenant: %v", err)
	}
	if w.Counts(acme.ID, moneyType).Warned != 1 || w.Counts(w.tenant.ID, moneyType).Refused != 1 {
		t.Errorf("counted %+v and %+v", w.Counts(acme.ID, moneyType), w.Counts(w.tenant.ID, moneyType))
	}
}

// A repeat is the same event, whatever the level was when the first one was accepted.
func TestRepeatsOfMarkedEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(shopSet(t))
	w.level(gateway.LevelWarn)
	rule, unfit := withID("rule", draft(moneyType, `{"currency":"eur","minorUnits":1}`)), withID("unfit", draft(moneyType, `{"currency":"EUR","cents":1}`))
	w.publish(rule)
	w.publish(unfit)
	for _, level := range []gateway.Level{gateway.LevelWarn, gateway.LevelOff} {
		w.level(level)
		for id, same := range map[string]string{"rule": `{"minor_units":"1","currency":"eur"}`, "unfit": `{ "cents":1, "currency":"EUR" }`} {
			if ack := w.publish(withID(id, draft(moneyType, same))); !ack.Duplicate {
				t.Errorf("%s, %v: stored again", id, level)
			}
			_, err := w.Publish(t.Context(), w.tenant, withID(id, draft(moneyType, `{"currency":"usd","cents":2}`)))
			if gateway.ErrorCode(err) != gateway.CodeAlreadyExists {
				t.Errorf("%s, %v, other content: %v", id, level, err)
			}
		}
	}
	// A producer that repeats because it got no response gets the first response, although the content would be refused by
	// now.
	w.level(gateway.LevelEnforce)
	for id, same := range map[string]string{"rule": `{"currency":"eur","minorUnits":1}`, "unfit": `{"currency":"EUR","cents":1}`} {
		if ack := w.publish(withID(id, draft(moneyType, same))); !ack.Duplicate {
			t.Errorf("%s, enforced: stored again", id)
		}
		_, err := w.Publish(t.Context(), w.tenant, withID(id, draft(moneyType, `{"currency":"usd","cents":2}`)))
		if gateway.ErrorCode(err) != gateway.CodeInvalid {
			t.Errorf("%s, enforced, other content: %v", id, err)
		}
	}
	if got := w.Counts(w.tenant.ID, moneyType); got.Warned != 2 || got.Refused != 2 {
		t.Errorf("repeats were counted: %+v", got)
	}
}

func TestTypedOnlyTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(shopSet(t))
	strict := *w.tenant
	strict.TypedOnly = true
	_, err := w.Publish(t.Context(), &strict, draft("order.created", `{}`))
	var fault *gateway.Error
	if !errors.As(err, &fault) || fault.Code != gateway.CodeInvalid || fault.Reason != gateway.ReasonUntypedEvent || fault.Fields[0].Field != "event.type" {
		t.Errorf("untyped: %v", err)
	}
	_, err = w.PublishBatch(t.Context(), &strict, []gateway.Draft{draft(moneyType, `{"currency":"EUR"}`), draft("order.created", `{}`)})
	if !errors.As(err, &fault) || fault.Fields[0].Field != "events[1].type" {
		t.Errorf("untyped in a batch: %v", err)
	}
	if _, err := w.Publish(t.Context(), &strict, draft(moneyType, `{"currency":"EUR"}`)); err != nil {
		t.Errorf("typed: %v", err)
	}
}

// keyed registers the example's Money under a name, with these paths.
func (w *world) keyed(name, orderingKey, subject string) {
	w.t.Helper()
	types, err := compile.Select(shopSet(w.t), compile.Selection{All: true})
	if err != nil {
		w.t.Fatal(err)
	}
	at := slices.IndexFunc(types, func(n compile.EventType) bool { return n.Message == moneyType })
	fresh := store.NewSchema{
		Type: name, Message: moneyType, Files: types[at].Files, Hash: types[at].Hash, OrderingKey: orderingKey, Subject: subject,
	}
	if err := w.store.RegisterSchemas(w.t.Context(), 0, store.NewTypes{Level: gateway.LevelWarn}, []store.NewSchema{fresh}); err != nil {
		w.t.Fatal(err)
	}
}

func TestSubjectAndOrderingKeyFromThePayload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keyed("payment", "minor_units", "currency")
	bare := withID("bare", draft("payment", `{"currency":"EUR","minorUnits":42}`))
	given := withID("given", draft("payment", `{"currency":"EUR","minorUnits":7}`))
	given.Subject = "mine"
	for _, test := range []struct {
		draft        gateway.Draft
		subject, key string
	}{
		{bare, "EUR", "42"},
		{given, "mine", "7"},
		{withID("unfit", draft("payment", `{"currency":"EUR","minorUnits":7,"x":1}`)), "", ""},
	} {
		w.publish(test.draft)
		if got := w.stored(test.draft.ID); got.Subject != test.subject || got.OrderingKey != test.key {
			t.Errorf("%s: subject %q, key %q; want %q, %q", test.draft.ID, got.Subject, got.OrderingKey, test.subject, test.key)
		}
	}
	// The content does not include what the server filled in.
	if ack := w.publish(bare); !ack.Duplicate {
		t.Error("a repeat is another event")
	}
	bare.Subject = "EUR"
	if _, err := w.Publish(t.Context(), w.tenant, bare); gateway.ErrorCode(err) != gateway.CodeAlreadyExists {
		t.Errorf("a repeat that gives the subject: %v", err)
	}
	long := strings.Repeat("x", 2049)
	_, err := w.Publish(t.Context(), w.tenant, draft("payment", fmt.Sprintf(`{"currency":%q}`, long)))
	var fault *gateway.Error
	if !errors.As(err, &fault) || fault.Fields[0].Field != "event.data.currency" || fault.Reason != gateway.ReasonInvalidField {
		t.Errorf("a subject that is too long: %v", err)
	}
}

// Events that are published while types change are checked against the newest types.
func TestPublishWhileTypesChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(shopSet(t))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			if _, err := w.Publish(ctx, w.tenant, draft(moneyType, `{"currency":"EUR"}`)); err != nil && ctx.Err() == nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	for i := range 30 {
		w.level([]gateway.Level{gateway.LevelWarn, gateway.LevelEnforce}[i%2])
		want := []string{"typed event.data.currency", "refused event.data.currency"}[i%2]
		if got := w.told(draft(moneyType, `{"currency":"eur"}`)); got != want {
			t.Fatalf("change %d: %s, want %s", i, got, want)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("somebody else's event: %v", err)
	}
}
