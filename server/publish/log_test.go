package publish_test

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/store"
)

// memoryLog keeps the events that it gets, or returns an error.
type memoryLog struct {
	mu     sync.Mutex
	events []store.NewEvent
	fault  error
}

func (l *memoryLog) Append(_ context.Context, _ int64, events []store.NewEvent) ([]store.Appended, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, events...)
	return make([]store.Appended, len(events)), l.fault
}

func (*memoryLog) Cursor(position gateway.Position) gateway.Cursor {
	return gateway.Cursor{Position: position}
}

func (*memoryLog) Registry() *store.Registry { return &store.Registry{} }

func (*memoryLog) IdentityOf(context.Context, gateway.TenantID, string) (first store.Identity, found bool, err error) {
	return first, false, nil
}

var tenantOne = &gateway.Tenant{ID: 1, Name: "one"}

// Hashes are stored: if one changed, repeats would become conflicts.
func TestHashesStayTheSame(t *testing.T) {
	t.Parallel()
	log := &memoryLog{}
	publisher := publish.New(log, schema.NewRegistry())
	at := time.Unix(1709209800, 5)
	given := gateway.Draft{
		ID: "a", Type: "order.created", Source: "/s", Subject: "x", Time: &at, Payload: gateway.Payload{JSON: []byte(`{"b":1.10,"a":[]}`)},
	}
	for _, draft := range []gateway.Draft{given, {ID: "b", Type: "order.created"}} {
		if _, err := publisher.Publish(t.Context(), tenantOne, draft); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"fa53f55c70125ce34b53705dd202ddfa", "27728a35a4f3d6bdd5d12ea2d95fac09"} {
		if got := hex.EncodeToString(log.events[i].Hash[:]); got != want {
			t.Errorf("hash of %s is %s, want %s", log.events[i].Event.ID, got, want)
		}
		if !log.events[i].ClientID {
			t.Error("the id came from the client")
		}
	}
}

func TestRegistryThatKeepsChanging(t *testing.T) {
	t.Parallel()
	log := &memoryLog{fault: store.ErrRegistryChanged}
	_, err := publish.New(log, schema.NewRegistry()).Publish(t.Context(), tenantOne, gateway.Draft{Type: "a"})
	if gateway.ErrorCode(err) != gateway.CodeUnavailable {
		t.Errorf("answered %v", err)
	}
}

func TestFaultsOfTheLogAreHandedOn(t *testing.T) {
	t.Parallel()
	log := &memoryLog{fault: context.Canceled}
	_, err := publish.New(log, schema.NewRegistry()).Publish(t.Context(), tenantOne, gateway.Draft{Type: "a"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("answered %v", err)
	}
}

func TestIDsAreUniqueAndSortedByTime(t *testing.T) {
	t.Parallel()
	log := &memoryLog{}
	publisher := publish.New(log, schema.NewRegistry())
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			last := ""
			for range 2000 {
				ack, err := publisher.Publish(context.Background(), tenantOne, gateway.Draft{Type: "a"})
				if err != nil || ack.ID <= last || !gateway.ValidEventID(ack.ID) {
					t.Errorf("%q after %q, %v", ack.ID, last, err)
					return
				}
				last = ack.ID
			}
		})
	}
	group.Wait()
	var ids []string
	for _, e := range log.events {
		ids = append(ids, e.Event.ID)
		if e.ClientID {
			t.Fatal("the id came from the server")
		}
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 8000 {
		t.Error("an id was made twice")
	}
}

func BenchmarkPublishUntyped(b *testing.B) {
	publisher := publish.New(&discard{}, schema.NewRegistry())
	draft := gateway.Draft{Type: "order.created", Payload: gateway.Payload{JSON: []byte(
		`{"orderId":"42-abc-def","customerId":"3f2b0f0e-7c1e-4d7e-9c55-0b8a2f1d7a11","channel":"web","total":1999,` +
			`"lines":[{"sku":"ABC-1","quantity":2,"price":9.99},{"sku":"ABC-2","quantity":1,"price":19.99}],"note":"ring twice"}`)}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := publisher.Publish(b.Context(), tenantOne, draft); err != nil {
			b.Fatal(err)
		}
	}
}

// discard is a log that keeps nothing.
type discard struct{ memoryLog }

func (*discard) Append(_ context.Context, _ int64, events []store.NewEvent) ([]store.Appended, error) {
	return make([]store.Appended, len(events)), nil
}
