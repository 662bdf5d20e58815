package stats_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

var (
	refused  = gateway.FailureReason{Kind: gateway.FailureRefused, Status: 400}
	notFound = gateway.FailureReason{Kind: gateway.FailureRefused, Status: 404}
	timeout  = gateway.FailureReason{Kind: gateway.FailureTimeout}
)

// The tests run in synctest, by inWorld: their sleeps take no time.

type reasons = map[gateway.FailureReason]int64

func TestFailuresAreCountedBySubscriptionAndReason(t *testing.T) {
	t.Parallel()
	for name, span := range spans {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.failFor(7, refused, 3)
				time.Sleep(15 * time.Second)
				seen := w.watch(tenant, span)
				w.failFor(7, refused, 1)
				w.failFor(7, timeout, 2)
				w.failFor(8, notFound, 1)
				w.deliver(8, 4, time.Millisecond)
				w.recorder.Settled(gateway.DeliverySettled{Tenant: tenant, Subscription: 8, Dead: true}) // given up without an attempt
				w.slowDown(8, 2)
				want := map[gateway.SubscriptionID]reasons{7: {refused: 4, timeout: 2}, 8: {notFound: 1}}
				if seen.look(); !reflect.DeepEqual(seen.failures(), want) {
					t.Errorf("while they happen: %v", seen.failures())
				}
				w.restart()
				if again := w.watch(tenant, max(span, time.Hour)); !reflect.DeepEqual(again.failures(), want) {
					t.Errorf("after a restart: %v", again.failures())
				}
			})
		})
	}
}

func TestFailuresLeaveTheSpan(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.failFor(7, refused, 2)
		seen := w.watch(tenant, 5*time.Minute)
		for range 10 {
			time.Sleep(time.Minute)
			seen.look()
		}
		if len(seen.view.Failures) != 0 || seen.view.Totals.Failed != 0 {
			t.Errorf("after the span: %v of %d", seen.view.Failures, seen.view.Totals.Failed)
		}
	})
}

// An endpoint chooses the statuses that it responds with, so it could make any number of reasons.
func TestFailureReasonsAreLimited(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		const statuses = 900
		status := func(n int) gateway.FailureReason {
			return gateway.FailureReason{Kind: gateway.FailureServer, Status: 100 + n}
		}
		for i := range 3 * statuses {
			w.failFor(7, status(i%statuses), 1)
		}
		if seen := w.watch(tenant, time.Hour); len(seen.view.Failures) != 200 || seen.view.Totals.Failed != 3*statuses {
			t.Errorf("one interval distinguishes %d of %d", len(seen.view.Failures), seen.view.Totals.Failed)
		}
		for i := range 4 {
			time.Sleep(15 * time.Second)
			for n := range 200 {
				w.failFor(7, status(200*i+n), 1)
			}
		}
		w.failFor(7, status(899), 100)
		time.Sleep(2 * time.Hour)
		for _, resolution := range []time.Duration{15 * time.Second, 5 * time.Minute, time.Hour} {
			for _, row := range w.stored(resolution) {
				if len(row.Data) > 2<<10 {
					t.Errorf("an interval of %v takes %d bytes", resolution, len(row.Data))
				}
			}
		}
		w.restart()
		if seen := w.watch(tenant, 14*24*time.Hour); len(seen.view.Failures) > 200 || seen.view.Totals.Failed != 3*statuses+900 {
			t.Errorf("a sum distinguishes %d of %d", len(seen.view.Failures), seen.view.Totals.Failed)
		}
	})
}
