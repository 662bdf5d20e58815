package stream_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/tail"
)

const megabyte = 1_000_000

// stuck opens streams whose readers never take an event in, and counts the events that are being sent to them.
func (w *world) stuck(readers int, tenant *gateway.Tenant, start gateway.Start) (sending, beats *atomic.Int64, leave context.CancelFunc) {
	sending, beats = new(atomic.Int64), new(atomic.Int64)
	ctx, cancel := context.WithCancel(w.t.Context())
	for range readers {
		go func() {
			_ = w.hub.Subscribe(ctx, stream.Request{Tenant: tenant, Start: start, Heartbeat: time.Second}, func(message stream.Message) error {
				if message.Kind != gateway.StreamEvent {
					beats.Add(1)
					return nil
				}
				sending.Add(1)
				<-ctx.Done()
				return ctx.Err()
			})
		}()
	}
	synctest.Wait()
	return sending, beats, cancel
}

// Fourteen hundred readers who read nothing held an event of 1 MB each, twice, and every tenant waited for the collector.
func TestReadersThatReadNothingHoldNoMoreThanThereIsRoomFor(t *testing.T) {
	t.Parallel()
	large := `{"text":"` + strings.Repeat("x", megabyte) + `"}`
	small := `{"text":"` + strings.Repeat("x", 2000) + `"}`
	for _, tt := range []struct {
		name      string
		tailBytes int
		start     gateway.Start
		publish   func(w *world)
		most      int64
	}{
		// Of 16 MiB a tenant has 8; a large event takes 2 or 4 MB, a page of small ones at most half of one.
		{"large ones, live", tail.DefaultBytes, gateway.Start{}, func(w *world) { w.publishData("a", 1, large) }, 4},
		{"large ones, from memory", tail.DefaultBytes, gateway.Start{Kind: gateway.StartEarliest}, func(w *world) { w.publishData("a", 3, large) }, 2},
		{"large ones, from the log", 1000, gateway.Start{Kind: gateway.StartEarliest}, func(w *world) { w.publishData("a", 3, large) }, 2},
		{"many small ones, from memory", tail.DefaultBytes, gateway.Start{Kind: gateway.StartEarliest}, func(w *world) { w.publishData("a", 600, small) }, 32},
		{"many small ones, from the log", 1000, gateway.Start{Kind: gateway.StartEarliest}, func(w *world) { w.publishData("a", 600, small) }, 32},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tt.tailBytes)
				w.hub.Keep(1<<20, 16<<20)
				other, err := w.store.CreateTenant(t.Context(), gateway.Tenant{Name: "other"})
				if err != nil {
					t.Fatal(err)
				}
				if tt.start.Kind == gateway.StartEarliest {
					tt.publish(w)
				}
				sending, beats, leave := w.stuck(100, w.tenant, tt.start)
				if tt.start.Kind != gateway.StartEarliest {
					tt.publish(w)
				}
				synctest.Wait()
				if got := sending.Load(); got == 0 || got > tt.most {
					t.Errorf("%d readers are being sent something, want at most %d", got, tt.most)
				}
				before := beats.Load()
				time.Sleep(3 * time.Second)
				synctest.Wait()
				if got := beats.Load() - before; got < 100 {
					t.Errorf("those who wait were sent %d heartbeats in 3 s", got)
				}
				theirs, _, leaveToo := w.stuck(1, other, gateway.Start{Kind: gateway.StartEarliest})
				w.publishOf(other, large)
				synctest.Wait()
				if theirs.Load() != 1 {
					t.Error("a reader of another tenant is sent nothing")
				}
				leave()
				leaveToo()
				synctest.Wait()
				again := w.open(stream.Request{Start: gateway.Start{Kind: gateway.StartEarliest}})
				again.event(t)
			})
		})
	}
}

// Two tenants whose readers read nothing had all of the room, and a third was sent nothing.
func TestReadersOfManyTenantsLeaveRoomForOneMore(t *testing.T) {
	t.Parallel()
	large := `{"text":"` + strings.Repeat("x", megabyte) + `"}`
	small := `{"text":"` + strings.Repeat("x", 100_000) + `"}`
	for name, tt := range map[string]struct {
		start  gateway.Start
		theirs string
	}{
		"a page, besides pages":      {gateway.Start{Kind: gateway.StartEarliest}, small},
		"large ones, besides others": {gateway.Start{}, large},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tail.DefaultBytes)
				w.hub.Keep(1<<20, 16<<20)
				for i := range 4 {
					tenant := w.tenantNamed(fmt.Sprintf("greedy%d", i))
					if tt.start.Kind == gateway.StartEarliest {
						w.publishOf(tenant, large)
					}
					sending, _, leave := w.stuck(100, tenant, tt.start)
					defer leave()
					if tt.start.Kind != gateway.StartEarliest {
						w.publishOf(tenant, large)
					}
					synctest.Wait()
					if sending.Load() == 0 {
						t.Errorf("tenant %d is sent nothing", i)
					}
				}
				one := w.tenantNamed("one more")
				theirs, _, leave := w.stuck(1, one, gateway.Start{})
				defer leave()
				w.publishOf(one, tt.theirs)
				synctest.Wait()
				if theirs.Load() != 1 {
					t.Error("one more tenant is sent nothing")
				}
			})
		})
	}
}

// Sixty streams with long filters of their own had 280 MB compiled, with one event.
func TestExpressionsOfStreamsAreBoundedTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, tail.DefaultBytes)
		w.hub.Keep(16*20_000, 16<<20)
		other := w.tenantNamed("other")
		open := func(tenant *gateway.Tenant, i int) (err error) {
			ctx, cancel := context.WithCancelCause(t.Context())
			t.Cleanup(func() { cancel(nil) })
			text := fmt.Sprintf("event.id != '%s%d'", strings.Repeat("x", 980), i)
			ended := make(chan error, 1)
			go func() {
				ended <- w.hub.Subscribe(ctx, stream.Request{Tenant: tenant, Filters: []stream.Filter{{Filter: gateway.Filter{Expression: text}}}},
					func(stream.Message) error { return nil })
			}()
			synctest.Wait()
			select {
			case err = <-ended:
			default:
			}
			return err
		}
		opened := 0
		for ; open(w.tenant, opened) == nil; opened++ {
		}
		if opened < 9 || opened > 10 {
			t.Errorf("a tenant opens %d streams of 1,000 bytes each; half of 20,000 are its", opened)
		}
		if err := open(w.tenant, 0); err != nil {
			t.Errorf("one more with a filter that is there already: %v", err)
		}
		if err := open(other, 0); err != nil {
			t.Errorf("another tenant: %v", err)
		}
	})
}

// What a tenant gives back goes to those who wait, whichever tenant they are of.
func TestRoomThatIsGivenBackGoesToThoseThatWait(t *testing.T) {
	t.Parallel()
	large := `{"text":"` + strings.Repeat("x", megabyte) + `"}`
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, tail.DefaultBytes)
		w.hub.Keep(1<<20, 16<<20)
		var sending *atomic.Int64
		var leave [6]context.CancelFunc
		for i := range leave {
			tenant := w.tenantNamed(fmt.Sprintf("tenant%d", i))
			sending, _, leave[i] = w.stuck(100, tenant, gateway.Start{})
			defer leave[i]()
			w.publishOf(tenant, large)
			synctest.Wait()
		}
		before := sending.Load()
		leave[0]()
		synctest.Wait()
		if after := sending.Load(); before != 0 || after != 1 {
			t.Errorf("the last tenant was being sent %d, and %d after the first has left; want 0 and 1", before, after)
		}
	})
}

func (w *world) tenantNamed(name string) *gateway.Tenant {
	w.t.Helper()
	tenant, err := w.store.CreateTenant(w.t.Context(), gateway.Tenant{Name: name})
	if err != nil {
		w.t.Fatal(err)
	}
	return tenant
}

// publishOf stores an event of a tenant.
func (w *world) publishOf(tenant *gateway.Tenant, data string) {
	w.t.Helper()
	one := store.NewEvent{Event: &gateway.Event{
		Tenant: tenant.ID, ID: "theirs", Type: "a", Source: gateway.DefaultSource, Time: time.Now(), Data: []byte(data),
	}}
	if _, err := w.store.Append(w.t.Context(), w.store.RegistryRevision(), []store.NewEvent{one}); err != nil {
		w.t.Fatal(err)
	}
}

// An event that takes more than a tenant may have is sent alone.
func TestAnEventThatNeedsMoreRoomThanThereIsIsSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1000)
		w.hub.Keep(1<<20, 1<<20)
		live := w.open(stream.Request{})
		live.next(t)
		last := w.publishData("a", 2, `{"text":"`+strings.Repeat("x", megabyte)+`"}`)
		for live.event(t).Position != last {
		}
		live.cancel(context.Canceled)
		late := w.open(stream.Request{Start: gateway.Start{Kind: gateway.StartEarliest}})
		for late.event(t).Position != last {
		}
	})
}

// A stream that waits for room ends when its client leaves, and when the server stops.
func TestAStreamThatWaitsForRoomCanBeEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1000)
		w.hub.Keep(1<<20, 1<<20)
		w.publishData("a", 1, `{"text":"`+strings.Repeat("x", megabyte)+`"}`)
		_, _, leave := w.stuck(1, w.tenant, gateway.Start{Kind: gateway.StartEarliest})
		defer leave()
		for _, end := range []func(*reader){
			func(r *reader) { r.cancel(context.Canceled) },
			func(*reader) { close(w.stopping) },
		} {
			r := w.open(stream.Request{Start: gateway.Start{Kind: gateway.StartEarliest}})
			r.next(t)
			synctest.Wait()
			begun := time.Now()
			end(r)
			<-r.ended
			if waited := time.Since(begun); waited > 0 {
				t.Errorf("the stream ended after %v", waited)
			}
		}
	})
}
