package e2e_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// streamKills is how often the server dies under the streams of publishes.
const streamKills = 12

// TestPublishStreamOverKills kills the server at random moments while a client publishes over a stream and repeats, with
// its ids, what was not acknowledged. The log then has every event once, in the client's order, at the place that was
// acknowledged.
func TestPublishStreamOverKills(t *testing.T) {
	random := newRandom(newSeed(t), 0)
	s := newServer(t)
	s.mustStart()
	c := newClient(s)
	publishing, stop := context.WithCancel(t.Context())
	ended := make(chan []string, 1)
	go func() {
		var cursors []string
		for publishing.Err() == nil {
			cursors = publishOver(publishing, t, c, cursors)
			pause(publishing, 10*time.Millisecond)
		}
		ended <- cursors
	}()
	for range streamKills {
		pause(t.Context(), 50*time.Millisecond+time.Duration(random.Int64N(int64(400*time.Millisecond))))
		s.kill()
		s.mustStart()
	}
	pause(t.Context(), 500*time.Millisecond)
	stop()
	cursors := <-ended

	log := c.log(t)
	if len(log) < len(cursors) || len(cursors) < streamKills {
		t.Fatalf("%d events in the log, %d acknowledged", len(log), len(cursors))
	}
	for n, event := range log {
		if event.GetId() != streamEventID(n) {
			t.Fatalf("event %d of the log is %s", n, event.GetId())
		}
		if n < len(cursors) && event.GetCursor() != cursors[n] {
			t.Fatalf("event %d is at %s, but %s was acknowledged", n, event.GetCursor(), cursors[n])
		}
	}
	t.Logf("%d kills, %d events acknowledged, %d in the log", streamKills, len(cursors), len(log))
}

func streamEventID(n int) string { return fmt.Sprintf("e-%08d", n) }

// publishOver publishes from the first event that is not acknowledged until the stream breaks, and adds the places that are
// acknowledged.
func publishOver(ctx context.Context, t *testing.T, c *client, cursors []string) []string {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, first := c.events.PublishStream(ctx), len(cursors)
	go func() {
		for n := first; ; n++ {
			event := untyped(streamEventID(n), "order.created", fmt.Sprintf(`{"n":%d}`, n))
			if stream.Send(&postriderv1.PublishStreamRequest{Event: event}) != nil {
				return
			}
		}
	}()
	for {
		response, err := stream.Receive()
		if err != nil {
			return cursors
		}
		ack := response.GetAck()
		if ack.GetId() != streamEventID(len(cursors)) {
			t.Errorf("got %v, want an acknowledgement of %s", response, streamEventID(len(cursors)))
			return cursors
		}
		cursors = append(cursors, ack.GetCursor())
	}
}
