package publish_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/store"
)

// slowLog accepts events, and stores nothing until it is allowed to.
type slowLog struct {
	memoryLog
	stored chan struct{}

	mu      sync.Mutex
	waiting map[gateway.TenantID]int
}

func (l *slowLog) Append(_ context.Context, _ int64, events []store.NewEvent) ([]store.Appended, error) {
	tenant := events[0].Event.Tenant
	l.mu.Lock()
	l.waiting[tenant] += len(events)
	l.mu.Unlock()
	<-l.stored
	return make([]store.Appended, len(events)), nil
}

func (l *slowLog) of(tenant gateway.TenantID) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting[tenant]
}

// A hundred batches of one tenant were in the writer's queue at once, and the next event of everybody else came after all of
// them.
func TestATenantWaitsForItsOwnEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &slowLog{stored: make(chan struct{}), waiting: map[gateway.TenantID]int{}}
		publisher := publish.New(log, schema.NewRegistry())
		var publishing sync.WaitGroup
		flood, other := &gateway.Tenant{ID: 1, Name: "flood"}, &gateway.Tenant{ID: 2, Name: "other"}
		for range 100 {
			publishing.Go(func() {
				if _, err := publisher.PublishBatch(t.Context(), flood, twoHundred()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		publishing.Go(func() {
			if _, err := publisher.Publish(t.Context(), other, gateway.Draft{Type: "a"}); err != nil {
				t.Error(err)
			}
		})
		left, leave := context.WithCancel(t.Context())
		publishing.Go(func() {
			if _, err := publisher.Publish(left, flood, gateway.Draft{Type: "a"}); err == nil {
				t.Error("a call that was given up while it waited has stored its event")
			}
		})
		synctest.Wait()
		leave()
		synctest.Wait()
		if n := log.of(flood.ID); n > 2560 || n < 2000 {
			t.Errorf("%d events of the tenant are in the writer's queue, want about 2,500", n)
		}
		if log.of(other.ID) != 1 {
			t.Error("the other tenant's event waits, too")
		}
		close(log.stored)
		publishing.Wait()
		if n := log.of(flood.ID); n != 100*200 {
			t.Errorf("%d events are stored, want all", n)
		}
	})
}

func twoHundred() []gateway.Draft {
	drafts := make([]gateway.Draft, 200)
	for i := range drafts {
		drafts[i].Type = "a"
	}
	return drafts
}
