package streamtest

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"testing/synctest"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// keys and ofKey are the events that wait for a client that does not read.
	keys  = 4
	ofKey = 100
	// newest is how many of them Drop sends.
	newest = 256
)

// large is an event of which no transport can write all as long as its client does not read. It cannot be compressed.
func large() *gateway.Event {
	random := make([]byte, 6*receiveBuffer)
	_, _ = rand.NewChaCha8([32]byte{}).Read(random) // It never fails.
	return &gateway.Event{Data: fmt.Appendf(nil, `{"text":%q}`, base64.StdEncoding.EncodeToString(random))}
}

// stall opens a stream that is live, sends its client a large event that it does not read, and publishes more.
func (c *client) stall(policy postriderv1.SlowPolicy) (r *reader, first *gateway.Event, waiting []*gateway.Event) {
	c.t.Helper()
	r = c.open(&postriderv1.SubscribeRequest{SlowPolicy: policy})
	synctest.Wait()
	first = c.Publish(1, large())[0]
	synctest.Wait()
	for key := range keys {
		waiting = append(waiting, c.Publish(ofKey, &gateway.Event{Subject: fmt.Sprint("key-", key)})...)
		synctest.Wait()
	}
	return r, first, waiting
}

// catchUp also checks the heartbeats that say that the stream has fallen behind, and that it is live again.
func catchUp(c *client) {
	r, first, waiting := c.stall(postriderv1.SlowPolicy_SLOW_POLICY_CATCH_UP)
	behind := false
	for want := append([]*gateway.Event{first}, waiting...); len(want) > 0; {
		switch message := r.next(); {
		case message.GetHeartbeat() != nil:
			behind = behind || !r.live
		case message.GetEvent().GetId() != want[0].ID:
			c.t.Fatalf("got %v, want event %s", message, want[0].ID)
		default:
			want = want[1:]
		}
	}
	r.quiet()
	if !behind {
		c.t.Error("no heartbeat says that the stream has fallen behind")
	}
}

func drop(c *client) {
	r, first, waiting := c.stall(postriderv1.SlowPolicy_SLOW_POLICY_DROP)
	r.expect(first)
	dropped := 0
	for dropped < len(waiting)-newest {
		message := r.loud()
		if message.GetDropped().GetEvents() == 0 {
			c.t.Fatalf("got %v, want the number of events that were dropped", message)
		}
		dropped += int(message.GetDropped().GetEvents())
	}
	if dropped != len(waiting)-newest {
		c.t.Errorf("%d are said to be dropped, want %d", dropped, len(waiting)-newest)
	}
	place, rest := r.cursor, waiting[len(waiting)-newest:]
	r.expect(rest...)
	r.quiet()
	r.expect(c.publish(1)...)
	again := c.open(&postriderv1.SubscribeRequest{Start: place})
	again.expect(rest...)
}

func disconnect(c *client) {
	r, first, waiting := c.stall(postriderv1.SlowPolicy_SLOW_POLICY_DISCONNECT)
	got, end := r.end()
	if end.Code != "resource_exhausted" || end.Reason != "SLOW_CONSUMER" || !end.Reconnect {
		c.t.Errorf("ends with %v", end)
	}
	if end.Cursor != "" && end.Cursor != r.cursor {
		c.t.Errorf("ends at %s, but the last message was at %s", end.Cursor, r.cursor)
	}
	all := append([]*gateway.Event{first}, waiting...)
	again := c.open(&postriderv1.SubscribeRequest{Start: r.cursor, SlowPolicy: postriderv1.SlowPolicy_SLOW_POLICY_DISCONNECT})
	again.expect(all[len(got):]...)
	again.quiet()
}

func sendLatestByKey(c *client) {
	r, first, waiting := c.stall(postriderv1.SlowPolicy_SLOW_POLICY_LATEST_BY_KEY)
	r.expect(first)
	for key := range keys {
		r.expect(waiting[(key+1)*ofKey-1])
	}
	r.quiet()
}
