package tail_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/tail"
)

// The tail counted the size of events on disk. Small events took twice as much memory as it was allowed.
func TestTailHoldsNoMoreThanItMay(t *testing.T) {
	const most = 8 << 20
	kept := tail.New(0, most)
	before := heapInUse()
	render := func(gateway.SchemaID, []byte) ([]byte, error) { return make([]byte, 120), nil }
	for p := gateway.Position(1); p <= 60_000; p++ {
		e := &gateway.Event{
			Position: p, Tenant: 1, ID: fmt.Sprintf("evt_%026d", p), Type: fmt.Sprint("shop.v1.Order", p%7), Source: fmt.Sprint("shop", p%7),
			Subject: fmt.Sprint("order/", p), Time: time.Now(), AcceptTime: time.Now(), Data: make([]byte, 60), Schema: gateway.SchemaID(p % 2),
		}
		if _, err := e.JSON(render); err != nil {
			t.Fatal(err)
		}
		kept.Append([]*gateway.Event{e})
	}
	if held := heapInUse() - before; held > most*5/4 {
		t.Errorf("a tail of %d bytes holds %d", most, held)
	}
	runtime.KeepAlive(kept)
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
