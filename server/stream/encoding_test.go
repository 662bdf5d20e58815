package stream_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/tail"
)

// However many read an event, live or a little behind, and whatever their filters: what an encoding makes of it is made once.
func TestAnEventIsEncodedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, tail.DefaultBytes)
		var made [2]atomic.Int64
		encodings := make([]*stream.Encoding, len(made))
		for i := range encodings {
			encodings[i] = w.hub.NewEncoding(func(event *gateway.Event, tenant string) ([]byte, error) {
				made[i].Add(1)
				return fmt.Append(nil, i, tenant, event.Position), nil
			})
		}
		ctx, cancel := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		var read atomic.Int64
		for n := range 30 {
			types := [][]string{nil, {"a"}, {"*", "b"}}[n%3]
			readers.Go(func() {
				_ = w.hub.Subscribe(ctx, stream.Request{
					Tenant: w.tenant, Filters: []stream.Filter{{Filter: gateway.Filter{Types: types}}},
				}, func(message stream.Message) error {
					if message.Kind != gateway.StreamEvent {
						return nil
					}
					frame, err := message.Frame(encodings[n%2])
					if want := fmt.Sprint(n%2, gateway.DefaultTenant, message.Event.Position); err != nil || string(frame) != want {
						t.Errorf("frame %s, want %s, %v", frame, want, err)
					}
					read.Add(1)
					return nil
				})
			})
		}
		synctest.Wait()
		const events = 500
		for range events / 50 {
			w.publish("a", 50)
		}
		synctest.Wait()
		for i := range made {
			if got := made[i].Load(); got != events {
				t.Errorf("encoding %d was made %d times of %d events", i, got, events)
			}
		}
		if got := read.Load(); got != 30*events {
			t.Errorf("%d events were read", got)
		}
		cancel()
		readers.Wait()
	})
}
