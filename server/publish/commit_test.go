package publish_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/schema"
)

func (w *world) prepare(drafts ...gateway.Draft) []publish.Prepared {
	w.t.Helper()
	prepared := make([]publish.Prepared, len(drafts))
	for i, draft := range drafts {
		var err error
		if prepared[i], err = w.Prepare(w.t.Context(), w.tenant, draft); err != nil {
			w.t.Fatal(err)
		}
	}
	return prepared
}

// each publishes drafts and returns their outcomes, one word for each.
func (w *world) each(prepared []publish.Prepared) string {
	w.t.Helper()
	outcomes, err := w.PublishEach(w.t.Context(), prepared)
	if err != nil {
		w.t.Fatal(err)
	}
	words := make([]string, len(outcomes))
	last := gateway.Position(0)
	for i, one := range outcomes {
		switch {
		case one.Refused != nil:
			words[i] = fmt.Sprint(one.Refused.Reason)
			if one.ID != "" {
				words[i] += ":" + one.ID
			}
		case one.Duplicate:
			words[i] = fmt.Sprint("again", one.Cursor.Position)
		default:
			words[i] = fmt.Sprint("stored", one.Cursor.Position)
			if one.Cursor.Position <= last {
				w.t.Errorf("position %d comes after %d", one.Cursor.Position, last)
			}
			last = one.Cursor.Position
			w.stored(one.ID)
		}
	}
	return strings.Join(words, " ")
}

func TestEachEventIsForItself(t *testing.T) {
	t.Parallel()
	conflict, invalid := fmt.Sprint(gateway.ReasonEventIDConflict), fmt.Sprint(gateway.ReasonInvalidField)
	one, two := draft("order.created", `{"n":1}`), draft("order.created", `{"n":2}`)
	for _, tt := range []struct {
		name   string
		drafts []gateway.Draft
		want   string
	}{
		{"all good", []gateway.Draft{one, withID("a", one), two}, "stored2 stored3 stored4"},
		{"refused ones between", []gateway.Draft{{Type: "a b", ID: "x"}, one, {}, two}, invalid + ":x stored2 " + invalid + " stored3"},
		{"all refused", []gateway.Draft{{}, {}}, invalid + " " + invalid},
		{"text that cannot be stored", []gateway.Draft{one, {Type: "a", Subject: "\x00"}, two}, "stored2 " + invalid + " stored3"},
		{"a repeat of what is stored", []gateway.Draft{one, withID("old", one), two}, "stored2 again1 stored3"},
		{"another content", []gateway.Draft{one, withID("old", two), two}, "stored2 " + conflict + ":old stored3"},
		{"a repeat within", []gateway.Draft{withID("a", one), withID("a", one), two}, "stored2 again2 stored3"},
		{"another content within", []gateway.Draft{withID("a", one), withID("a", two), withID("a", one)}, "stored2 " + conflict + ":a again2"},
		{
			"many conflicts",
			[]gateway.Draft{withID("old", two), withID("a", one), withID("old", one), withID("a", two), withID("old", two)},
			conflict + ":old stored2 again1 " + conflict + ":a " + conflict + ":old",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.publish(withID("old", one))
			if got := w.each(w.prepare(tt.drafts...)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// An event that was checked before its type got a schema is checked again before it is stored.
func TestEachEventIsCheckedUnderTheTypesInForce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const good = `{"customerId":"0b9c2f2e-6a53-4a6c-9a53-0c8a3f0f4a11","email":"ada@example.com","displayName":"Ada",` +
		`"tier":"CUSTOMER_TIER_STANDARD","registerTime":"2026-01-02T03:04:05Z","labels":{"source":"web"}}`
	prepared := w.prepare(
		draft("shop.v1.CustomerRegistered", `{"displayName":5}`), draft("shop.v1.CustomerRegistered", good), draft("order.created", `{}`))
	w.register(shopSet(t))
	if got, want := w.each(prepared), fmt.Sprint(gateway.ReasonSchemaViolation)+" stored1 stored2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// The first event was stored without a schema, so its repeat is, too.
	old := newWorld(t)
	old.publish(withID("a", draft("shop.v1.CustomerRegistered", good)))
	old.register(shopSet(t))
	if got := old.each(old.prepare(withID("a", draft("shop.v1.CustomerRegistered", good)))); got != "again1" {
		t.Errorf("a repeat under a newer schema: %s", got)
	}
}

func TestAFaultOfTheLogIsHandedOn(t *testing.T) {
	t.Parallel()
	full := gateway.Errorf(gateway.CodeResourceExhausted, gateway.ReasonOverloaded, "full")
	publisher := publish.New(&memoryLog{fault: full}, schema.NewRegistry())
	one, err := publisher.Prepare(t.Context(), tenantOne, draft("a", `{}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := publisher.PublishEach(t.Context(), []publish.Prepared{one}); gateway.ErrorCode(err) != gateway.CodeResourceExhausted {
		t.Errorf("got %v", err)
	}
}
