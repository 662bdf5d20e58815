package wire_test

import (
	"errors"
	"runtime"
	"strconv"
	"testing"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

// Every element of a request may be a fault, and each took half a kilobyte: a request of 64 kB took 8 MB, one of a few
// megabytes the whole server.
func TestARequestOfFaultsTakesLittleMemory(t *testing.T) {
	requests, err := wire.NewRequests()
	if err != nil {
		t.Fatal(err)
	}
	many := &postriderv1.SubscribeRequest{}
	for i := range 100_000 {
		many.Types = append(many.Types, "no type! "+strconv.Itoa(i))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = requests.Check(many)
	runtime.ReadMemStats(&after)
	var refused *gateway.Error
	if !errors.As(err, &refused) || refused.Reason != gateway.ReasonInvalidField || len(refused.Fields) == 0 {
		t.Errorf("got %v", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
		t.Errorf("it takes %d KiB", took>>10)
	}
}

// Of a request that is not large all faults are found together.
func TestTheFaultsOfARequestAreFoundTogether(t *testing.T) {
	t.Parallel()
	requests, err := wire.NewRequests()
	if err != nil {
		t.Fatal(err)
	}
	batch := &postriderv1.PublishBatchRequest{}
	for range 100 {
		batch.Events = append(batch.Events, &postriderv1.Event{Type: "a.b", Id: "no id!", Subject: "s"})
	}
	var refused *gateway.Error
	if err := requests.Check(batch); !errors.As(err, &refused) || len(refused.Fields) != 100 {
		t.Errorf("got %v", err)
	}
}
