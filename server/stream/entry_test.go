package stream_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/tail"
)

func TestAStreamKeepsItsEntry(t *testing.T) {
	t.Parallel()
	for name, tailBytes := range map[string]int{"from memory": tail.DefaultBytes, "from the log": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tailBytes)
			w.publish("a", 3)
			w.publish("b", 2)
			entry := &stream.Entry{ID: "str_1", Expires: time.Now().Add(time.Hour)}
			enough := errors.New("enough")
			var told []stream.Message
			err := w.hub.Subscribe(t.Context(), stream.Request{
				Tenant: w.tenant, Filters: []stream.Filter{{Filter: gateway.Filter{Types: []string{"a"}}}}, Start: gateway.Start{Kind: gateway.StartEarliest},
				Heartbeat: time.Millisecond, Entry: entry,
			}, func(message stream.Message) error {
				told = append(told, message)
				if message.Kind == gateway.StreamEvent && entry.Live() {
					t.Error("it was live before it had sent what was stored")
				}
				if message.Kind == gateway.StreamHeartbeat && entry.Live() {
					return enough
				}
				return nil
			})
			if !errors.Is(err, enough) {
				t.Fatal(err)
			}
			if told[0].Stream != entry.ID || !told[0].Expires.Equal(entry.Expires) {
				t.Errorf("it begins with %+v", told[0])
			}
			if entry.Sent() != 3 || entry.Reached() != 5 || entry.Dropped() != 0 {
				t.Errorf("sent %d, reached %d, dropped %d; want 3, 5 and 0", entry.Sent(), entry.Reached(), entry.Dropped())
			}
		})
	}
	t.Run("a stream without one", func(t *testing.T) {
		t.Parallel()
		r := newWorld(t, tail.DefaultBytes).subscribe(gateway.Start{})
		if begin := r.next(t); begin.Stream != "" || !begin.Expires.IsZero() {
			t.Errorf("it begins with %+v", begin)
		}
		r.cancel(context.Canceled)
	})
}
