package stream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/tail"
)

// publishKeyed commits one event for each key at once; one of "" has none, one that begins with "o" has it as ordering key.
func (w *world) publishKeyed(keys ...string) {
	w.t.Helper()
	head := w.store.Head()
	events := make([]store.NewEvent, len(keys))
	for i, key := range keys {
		events[i].Event = &gateway.Event{
			Tenant: w.tenant.ID, ID: fmt.Sprintf("k-%d-%d", head, i), Type: "a", Source: gateway.DefaultSource, Time: time.Now(),
			Data: []byte(`{}`), Subject: key,
		}
		if strings.HasPrefix(key, "o") {
			events[i].Event.OrderingKey, events[i].Event.Subject = key, "the same"
		}
	}
	if _, err := w.store.Append(w.t.Context(), w.store.RegistryRevision(), events); err != nil {
		w.t.Fatal(err)
	}
}

// told writes messages as text: an event's position, what was dropped and up to where, "live" and "behind".
func told(message stream.Message) string {
	switch message.Kind {
	case gateway.StreamEvent:
		return fmt.Sprint(message.Event.Position)
	case gateway.StreamDropped:
		return fmt.Sprintf("-%d@%d", message.Dropped, message.Cursor.Position)
	case gateway.StreamHeartbeat:
		return map[bool]string{true: "live", false: "behind"}[message.Live]
	default:
		return fmt.Sprint(message.Kind)
	}
}

// span writes positions as told does.
func span(from, to int) []string {
	var list []string
	for p := from; p <= to; p++ {
		list = append(list, fmt.Sprint(p))
	}
	return list
}

// busy opens a stream that is live and still being sent event 1 when the test goes on.
func (w *world) busy(policy stream.SlowPolicy) *reader {
	w.t.Helper()
	r := w.open(stream.Request{SlowPolicy: policy})
	r.next(w.t)
	w.publish("a", 1)
	synctest.Wait()
	return r
}

// What waits for a reader that is being sent event 1 when the others come.
func TestSlowPolicies(t *testing.T) {
	t.Parallel()
	singles := func(n int) func(*world) {
		return func(w *world) {
			for range n {
				w.publish("a", 1)
				synctest.Wait()
			}
		}
	}
	groups := func(w *world) {
		for range 30 {
			w.publish("a", 100)
		}
	}
	for _, tt := range []struct {
		name   string
		policy stream.SlowPolicy
		during func(*world)
		want   []string
		slow   bool
	}{
		{"catch up with few", stream.CatchUp, singles(256), span(1, 257), false},
		{"catch up with many", stream.CatchUp, singles(257), slices.Concat([]string{"1", "behind"}, span(2, 258), []string{"live"}), false},
		{"drop with few", stream.Drop, singles(256), span(1, 257), false},
		{"drop with one too many", stream.Drop, singles(257), slices.Concat([]string{"1", "-1@2"}, span(3, 258)), false},
		{"drop with many", stream.Drop, singles(999), slices.Concat([]string{"1", "-743@744"}, span(745, 1000)), false},
		{"drop more than the topic keeps", stream.Drop, groups, slices.Concat([]string{"1", "-2744@2745"}, span(2746, 3001)), false},
		{"disconnect with few", stream.Disconnect, singles(256), span(1, 257), false},
		{"disconnect with one too many", stream.Disconnect, singles(257), []string{"1"}, true},
		{"latest by key", stream.LatestByKey, func(w *world) {
			for _, key := range []string{"x", "y", "", "x", "o1", "o2", "o1", "", "z", "x"} {
				w.publishKeyed(key)
			}
		}, []string{"1", "3", "4", "7", "8", "9", "10", "11"}, false},
		{"latest by key at once", stream.LatestByKey, func(w *world) { w.publishKeyed("x", "y", "x", "x") }, []string{"1", "3", "5"}, false},
		{"latest by key of more than the topic keeps", stream.LatestByKey, func(w *world) {
			for range 20 {
				w.publishKeyed(slices.Repeat([]string{"x", "y"}, 100)...)
			}
			w.publishKeyed("z")
		}, []string{"1", "behind", "4000", "4001", "4002", "live"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tail.DefaultBytes)
				r := w.busy(tt.policy)
				tt.during(w)
				synctest.Wait()
				for i, want := range tt.want {
					if got := told(r.next(t)); got != want {
						t.Fatalf("message %d is %s, want %s", i, got, want)
					}
				}
				if !tt.slow {
					r.cancel(context.Canceled)
				}
				err := <-r.ended
				var fault *gateway.Error
				slow := errors.As(err, &fault) && fault.Reason == gateway.ReasonSlowConsumer && fault.Code == gateway.CodeResourceExhausted
				if slow != tt.slow {
					t.Errorf("it ends with %v", err)
				}
			})
		})
	}
}

// A burst that finds the reader idle makes it slow under no policy.
func TestABurstMakesNobodySlow(t *testing.T) {
	t.Parallel()
	for _, policy := range []stream.SlowPolicy{stream.CatchUp, stream.Drop, stream.Disconnect} {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tail.DefaultBytes)
				r := w.open(stream.Request{SlowPolicy: policy})
				r.next(t)
				for burst := range 3 {
					synctest.Wait()
					w.publish("a", 1000)
					for i := range 1000 {
						if got, want := told(r.next(t)), fmt.Sprint(burst*1000+i+1); got != want {
							t.Fatalf("got %s, want %s", got, want)
						}
					}
				}
				r.cancel(context.Canceled)
				<-r.ended
			})
		})
	}
}

// What is stored before the stream has reached the end of the log comes whole, whatever the policy; afterwards the policy
// holds.
func TestReplayIsNeverLeftOut(t *testing.T) {
	t.Parallel()
	for _, policy := range []stream.SlowPolicy{stream.LatestByKey, stream.Drop, stream.Disconnect} {
		for name, tailBytes := range map[string]int{"from memory": tail.DefaultBytes, "from the log": 1} {
			t.Run(fmt.Sprint(policy, " ", name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, tailBytes)
					w.publishKeyed(slices.Repeat([]string{"x"}, 700)...)
					r := w.open(stream.Request{SlowPolicy: policy, Start: gateway.Start{Kind: gateway.StartEarliest}})
					r.next(t)
					for p := 1; p <= 700; p++ {
						if p == 300 {
							w.publishKeyed(slices.Repeat([]string{"x"}, 300)...)
						}
						if got := r.message(t, gateway.StreamEvent); got.Event.Position != gateway.Position(p) {
							t.Fatalf("got %d, want %d", got.Event.Position, p)
						}
					}
					r.cancel(context.Canceled)
					<-r.ended
				})
			})
		}
	}
}

// Who resumes after a drop, wherever the connection broke, gets what followed: what was left out is neither told again nor
// sent after all, and nothing comes twice.
func TestResumingAroundADrop(t *testing.T) {
	t.Parallel()
	for _, taken := range []int{1, 2, 3, 100} {
		t.Run(fmt.Sprint("after ", taken, " messages"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tail.DefaultBytes)
				r := w.busy(stream.Drop)
				for range 999 {
					w.publish("a", 1)
				}
				synctest.Wait()
				var last stream.Message
				for range taken {
					last = r.next(t)
				}
				r.cancel(context.Canceled)
				<-r.ended
				again := w.open(stream.Request{SlowPolicy: stream.Drop, Start: gateway.StartAfter(last.Cursor)})
				if begin := again.next(t); begin.Cursor != last.Cursor || begin.Gap != gateway.GapNone {
					t.Errorf("resumes with %+v", begin)
				}
				for p := last.Cursor.Position + 1; p <= 1000; p++ {
					if got := told(again.next(t)); got != fmt.Sprint(p) {
						t.Fatalf("got %s, want %d", got, p)
					}
				}
				again.cancel(context.Canceled)
				<-again.ended
			})
		})
	}
}

// What is remembered of keys is bounded: of a key that is forgotten more than the newest event comes.
func TestLatestByKeyIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, tail.DefaultBytes)
		r := w.busy(stream.LatestByKey)
		const keys, remembered = 17_000, 16_384
		for first := 0; first < 2*keys; first += 500 {
			var batch []string
			for key := first; key < first+500; key++ {
				batch = append(batch, fmt.Sprint("s", key%keys))
			}
			w.publishKeyed(batch...)
		}
		synctest.Wait()
		seen := map[string]int{}
		for at := gateway.Position(0); at < 2*keys+1; {
			if got := r.next(t); got.Kind == gateway.StreamEvent {
				seen[got.Event.Subject]++
				at = got.Event.Position
			}
		}
		twice := 0
		for key, times := range seen {
			if times == 2 {
				twice++
			} else if times != 1 {
				t.Errorf("%s comes %d times", key, times)
			}
		}
		if len(seen) != keys+1 || twice != keys-remembered {
			t.Errorf("%d keys come, want %d; %d twice, want %d", len(seen), keys+1, twice, keys-remembered)
		}
		r.cancel(context.Canceled)
		<-r.ended
	})
}
