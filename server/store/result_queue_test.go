package store_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// recorded is a result with its place in the order of recording.
type recorded struct {
	number       int
	subscription gateway.SubscriptionID
	delivered    bool
}

// recorder records results before the writer runs, and notes the order in which they are committed.
type recorder struct {
	*store.Store
	recorded, committed []recorded
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	s, err := store.Open(context.Background(), freshSQLite(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &recorder{Store: s}
}

// record records the result of a delivery, or the mark for subscription 0.
func (r *recorder) record(id gateway.SubscriptionID, state gateway.DeliveryState) {
	entry := recorded{len(r.recorded) + 1, id, state == gateway.DeliveryDelivered}
	r.recorded = append(r.recorded, entry)
	result := store.Result{Committed: func() { r.committed = append(r.committed, entry) }}
	if id == 0 {
		result.Mark = gateway.Position(entry.number)
	} else {
		result.Delivery = &gateway.Delivery{
			DeliveryKey: gateway.DeliveryKey{Subscription: id, Position: gateway.Position(entry.number)}, Tenant: 1,
			State: state, CreateTime: time.Now(), UpdateTime: time.Now(),
		}
	}
	r.Record(result)
}

// commitAll runs the writer until everything is committed.
func (r *recorder) commitAll(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	stop() // What is queued is still stored.
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if len(r.committed) != len(r.recorded) {
		t.Fatalf("%d results are committed of %d", len(r.committed), len(r.recorded))
	}
}

// When a thousand endpoints died, the results of a working endpoint were stored after all of theirs, 1.4 s later. Its slots
// were taken until then.
func TestDeliveriesAreStoredBeforeABurstOfFailures(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	for i := range burst {
		r.record(gateway.SubscriptionID(i+2), gateway.DeliveryPending)
	}
	for range 10 {
		r.record(1, gateway.DeliveryDelivered)
	}
	r.commitAll(t)
	for i, entry := range r.committed[:10] {
		if !entry.delivered {
			t.Fatalf("entry %d that is committed is a failure, number %d", i+1, entry.number)
		}
	}
}

// Failures are stored however many deliveries succeed. Otherwise a crash would forget their retries, and the mark would not
// move.
func TestFailuresAreStoredBesideDeliveries(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	for range 10 {
		r.record(2, gateway.DeliveryPending)
	}
	for range burst {
		r.record(1, gateway.DeliveryDelivered)
	}
	r.commitAll(t)
	last := 0
	for i, entry := range r.committed {
		if !entry.delivered {
			last = i
		}
	}
	if last > burst/2 {
		t.Errorf("the last failure is committed after %d of %d deliveries", last, burst)
	}
}

// No entry is committed before the entries that it relies on: the earlier ones of its subscription and, if it moves the
// mark, all earlier ones.
func TestNoResultOvertakesWhatALaterOneReliesOn(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	random := rand.New(rand.NewPCG(1, 2))
	states := []gateway.DeliveryState{gateway.DeliveryDelivered, gateway.DeliveryDelivered, gateway.DeliveryPending, gateway.DeliveryDead}
	for range 5000 {
		r.record(gateway.SubscriptionID(random.IntN(200)), states[random.IntN(len(states))])
	}
	r.commitAll(t)
	newest, seen, mark := map[gateway.SubscriptionID]int{}, map[int]bool{}, 1
	for _, entry := range r.committed {
		seen[entry.number] = true
		if entry.number < newest[entry.subscription] {
			t.Fatalf("entry %d of subscription %d is committed after entry %d", entry.number, entry.subscription, newest[entry.subscription])
		}
		newest[entry.subscription] = entry.number
		if entry.subscription != 0 {
			continue
		}
		for ; mark < entry.number; mark++ {
			if !seen[mark] {
				t.Fatalf("the mark of entry %d is committed before entry %d", entry.number, mark)
			}
		}
	}
}
