package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

var eventTypeCases = []testCase{
	{"an update changes what it should", testUpdateEventType},
	{"an update of another revision or of nothing", testUpdateEventTypeRefused},
	{"a new version keeps the levels", testVersionKeepsLevels},
	{"every change grows the revision that appends are held against", testChangesGrowTheRevision},
	{"a type in use is kept", testDeleteUsedType},
	{"a deleted type is forgotten, its files too", testDeleteType},
	{"the newest events of a type, and how many", testEventsOfType},
}

func setLevel(level gateway.Level) func(*gateway.EventType) error {
	return func(t *gateway.EventType) error {
		t.Level = level
		return nil
	}
}

func testUpdateEventType(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	registered(w, "a", "b")
	acme := must(w.CreateTenant(context.Background(), gateway.Tenant{Name: "acme"}))(t).ID
	steps := []struct {
		change func(*gateway.EventType)
		want   string
	}{
		{func(e *gateway.EventType) { e.Level = gateway.LevelWarn }, "warn map[] false "},
		{func(e *gateway.EventType) { e.Deprecated, e.DeprecationNote = true, "use b" }, "warn map[] true use b"},
		{func(e *gateway.EventType) { e.TenantLevels[acme] = gateway.LevelOff }, "warn map[2:off] true use b"},
		{func(e *gateway.EventType) {
			e.TenantLevels[acme] = gateway.LevelEnforce
			e.TenantLevels[w.tenantID()] = gateway.LevelOff
		}, "warn map[1:off 2:enforce] true use b"},
		{func(e *gateway.EventType) { delete(e.TenantLevels, acme); e.Deprecated, e.DeprecationNote = false, "" }, "warn map[1:off] false "},
	}
	for i, step := range steps {
		before := *must(w.EventType("a"))(t)
		levels := fmt.Sprint(before.TenantLevels)
		updated := must(w.UpdateEventType(context.Background(), "a", before.Revision, func(e *gateway.EventType) error {
			step.change(e)
			return nil
		}))(t)
		for range 2 {
			got := must(w.EventType("a"))(t)
			equal(t, "type", fmt.Sprint(got.Level, " ", got.TenantLevels, " ", got.Deprecated, " ", got.DeprecationNote), step.want)
			equal(t, "type", got.EventType, updated.EventType)
			equal(t, "revision", got.Revision, int64(i+2))
			w.restart()
		}
		equal(t, "levels of those who had the old one", fmt.Sprint(before.TenantLevels), levels)
	}
	equal(t, "the other type", must(w.EventType("b"))(t).Level, gateway.LevelEnforce)
}

func testUpdateEventTypeRefused(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	registered(w, "a")
	_, err := w.UpdateEventType(context.Background(), "none", 0, setLevel(gateway.LevelOff))
	notFound(t, err)
	_, err = w.EventType("none")
	notFound(t, err)
	_, err = w.UpdateEventType(context.Background(), "a", 7, setLevel(gateway.LevelOff))
	failsWith(t, err, gateway.CodeAborted, gateway.ReasonRevisionMismatch)
	refusal := gateway.FieldError("event_type", "is refused")
	_, err = w.UpdateEventType(context.Background(), "a", 1, func(e *gateway.EventType) error {
		e.Level, e.TenantLevels[1] = gateway.LevelOff, gateway.LevelOff
		return refusal
	})
	failsWith(t, err, refusal.Code, refusal.Reason)
	for range 2 {
		got := must(w.EventType("a"))(t)
		equal(t, "type", fmt.Sprint(got.Level, len(got.TenantLevels), got.Revision, w.RegistryRevision()), "enforce 0 1 1")
		w.restart()
	}
}

func testVersionKeepsLevels(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.register(schemaOf("a", "1"))
	must(w.UpdateEventType(context.Background(), "a", 0, func(e *gateway.EventType) error {
		e.Level, e.Deprecated, e.TenantLevels[w.tenantID()] = gateway.LevelWarn, true, gateway.LevelOff
		return nil
	}))(t)
	if err := w.RegisterSchemas(context.Background(), 0, store.NewTypes{Level: gateway.LevelOff}, []store.NewSchema{schemaOf("a", "2"), schemaOf("b", "1")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		a, b := must(w.EventType("a"))(t), must(w.EventType("b"))(t)
		equal(t, "levels", fmt.Sprint(a.Level, a.TenantLevels, a.Deprecated, a.LatestVersion, a.Revision, b.Level), "warn map[1:off] true 2 3 off")
		w.restart()
	}
}

func testChangesGrowTheRevision(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	registered(w, "a", "b")
	changes := []func() error{
		func() error {
			_, err := w.UpdateEventType(context.Background(), "a", 0, setLevel(gateway.LevelOff))
			return err
		},
		func() error { return w.DeleteEventType(context.Background(), "b", 0) },
		func() error {
			return w.RegisterSchemas(context.Background(), 0, store.NewTypes{Level: gateway.LevelOff}, []store.NewSchema{schemaOf("c", "1")})
		},
	}
	for i, change := range changes {
		before := w.RegistryRevision()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		equal(t, "revision", w.RegistryRevision(), before+1)
		if _, err := w.Append(context.Background(), before, []store.NewEvent{w.event("old")}); err != store.ErrRegistryChanged {
			t.Errorf("change %d: append under the old revision: %v", i, err)
		}
		w.publish(w.event(fmt.Sprint("new", i)))
	}
}

func testDeleteUsedType(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	registered(w, "order.created", "order.paid", "order.shipped")
	w.publish(w.event("one"))
	named := w.draft("named")
	named.Filter.Types = []string{"x", "order.paid"}
	sub := must(w.CreateSubscription(context.Background(), named, gateway.Start{}))(t)
	wide := w.draft("wide")
	wide.Filter.Types = []string{"order.*"}
	must(w.CreateSubscription(context.Background(), wide, gateway.Start{}))(t)
	for _, name := range []string{"order.created", "order.paid"} {
		failsWith(t, w.DeleteEventType(context.Background(), name, 0), gateway.CodeFailedPrecondition, gateway.ReasonInUse)
	}
	failsWith(t, w.DeleteEventType(context.Background(), "order.shipped", 9), gateway.CodeAborted, gateway.ReasonRevisionMismatch)
	notFound(t, w.DeleteEventType(context.Background(), "none", 0))
	if err := w.DeleteEventType(context.Background(), "order.shipped", 1); err != nil {
		t.Error(err)
	}
	if err := w.DeleteSubscription(context.Background(), sub.ID, 0); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteEventType(context.Background(), "order.paid", 0); err != nil {
		t.Error(err)
	}
	w.restart()
	equal(t, "types", w.Registry().Names(""), []string{"order.created"})
}

func testDeleteType(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.register(schemaOf("a", "shared"), schemaOf("b", "shared"), schemaOf("a", "own"))
	must(w.UpdateEventType(context.Background(), "a", 0, func(e *gateway.EventType) error {
		e.TenantLevels[w.tenantID()] = gateway.LevelOff
		return nil
	}))(t)
	if err := w.DeleteEventType(context.Background(), "a", 0); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		equal(t, "types", versions(w.Registry()), "b 1:b:shared")
		_, err := w.EventType("a")
		notFound(t, err)
		w.restart()
	}
	w.register(schemaOf("a", "own"))
	got := must(w.EventType("a"))(t)
	equal(t, "made again", fmt.Sprint(versions(w.Registry()), got.Level, len(got.TenantLevels), got.Revision), "a 1:a:own, b 1:b:sharedenforce 0 1")
}

func testEventsOfType(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	acme := must(w.CreateTenant(context.Background(), gateway.Tenant{Name: "acme"}))(t).ID
	ofAcme := func(e *gateway.Event) { e.Tenant = acme }
	other := func(e *gateway.Event) { e.Type = "order.paid" }
	w.publish(w.event("1"), w.event("2", ofAcme), w.event("3", other), w.event("4"), w.event("5", ofAcme))
	ids := func(limit int) (ids []string) {
		for e, err := range w.EventsOfType(context.Background(), "order.created", limit) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, e.ID)
		}
		return ids
	}
	equal(t, "newest", ids(10), []string{"5", "4", "2", "1"})
	equal(t, "newest three", ids(3), []string{"5", "4", "2"})
	for e, err := range w.EventsOfType(context.Background(), "none", 10) {
		t.Errorf("of no such type: %v, %v", e, err)
	}

	newest := must(w.EventByID(context.Background(), w.tenantID(), "4"))(t)
	for _, test := range []struct {
		since time.Time
		want  int64
	}{{time.Time{}, 2}, {newest.AcceptTime.Add(time.Microsecond), 0}} {
		n, last, err := w.Traffic(context.Background(), w.tenantID(), "order.created", test.since)
		if err != nil || n != test.want || !last.Equal(newest.AcceptTime) {
			t.Errorf("since %v: %d events, the last at %v, %v; want %d, %v", test.since, n, last, err, test.want, newest.AcceptTime)
		}
	}
	if n, last, err := w.Traffic(context.Background(), acme, "order.paid", time.Time{}); err != nil || n != 0 || !last.IsZero() {
		t.Errorf("no events: %d, %v, %v", n, last, err)
	}
	registered(w, "order.created", "order.paid", "order.shipped")
	for tenant, want := range map[gateway.TenantID]map[string]bool{
		w.tenantID(): {"order.created": true, "order.paid": true}, acme: {"order.created": true},
	} {
		published := must(w.PublishedTypes(context.Background(), tenant))(t)
		equal(t, "published types", fmt.Sprint(published), fmt.Sprint(want))
	}
}
