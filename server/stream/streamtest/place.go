package streamtest

import (
	"time"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

const earliest = "earliest"

func beginWhereAsked(c *client) {
	published := c.publish(3)
	at := func(position gateway.Position) string { return c.Store.Cursor(position).String() }
	for _, tt := range []struct {
		start, cursor string
		live          bool
	}{
		{"", at(published[2].Position), true},
		{"now", at(published[2].Position), true},
		{earliest, at(0), false},
		{at(published[1].Position), at(published[1].Position), false},
		{at(published[2].Position), at(published[2].Position), true},
	} {
		r := c.open(&postriderv1.SubscribeRequest{Start: tt.start})
		if r.cursor != tt.cursor || r.live != tt.live || r.begin.GetGap() != nil {
			c.t.Errorf("start %q begins at %s, live %t, gap %v; want %s, live %t", tt.start, r.cursor, r.live, r.begin.GetGap(), tt.cursor, tt.live)
		}
		if open := c.Live.Streams(c.Tenant.ID); len(open) != 1 || open[0].ID != r.begin.GetStream() {
			c.t.Errorf("%d streams are open, and %q is the id that the client was sent", len(open), r.begin.GetStream())
		}
		r.leave()
	}
}

// comeOnce has events that were stored before the stream was opened, some that are stored while it catches up, and live ones.
func comeOnce(c *client) {
	stored := c.publish(300)
	r := c.open(&postriderv1.SubscribeRequest{Start: earliest})
	r.expect(stored[:10]...)
	late := c.publish(300)
	r.expect(stored[10:]...)
	r.expect(late...)
	r.quiet()
	for range 3 {
		r.expect(c.publish(20)...)
	}
	r.quiet()
}

func resume(c *client) {
	published := c.publish(5)
	r := c.open(&postriderv1.SubscribeRequest{Start: earliest})
	cursors := []string{r.cursor}
	for _, one := range published {
		r.expect(one)
		cursors = append(cursors, r.cursor)
	}
	for i, cursor := range cursors {
		again := c.open(&postriderv1.SubscribeRequest{Start: cursor})
		if again.cursor != cursor {
			c.t.Errorf("resumes at %s, want %s", again.cursor, cursor)
		}
		again.expect(published[i:]...)
		again.quiet()
		again.leave()
	}
	r.quiet()
	again := c.open(&postriderv1.SubscribeRequest{Start: r.cursor})
	again.expect(c.publish(1)...)
}

func beginAtATime(c *client) {
	began := time.Now()
	first := c.publish(2)
	time.Sleep(time.Minute)
	second := c.publish(2)
	for start, want := range map[time.Time][]*gateway.Event{
		began.Add(-time.Hour):        append(first, second...),
		began.Add(time.Second):       second,
		time.Now():                   second,
		time.Now().Add(time.Second):  nil,
		{}:                           append(first, second...),
		began.Add(time.Millisecond):  second,
		time.Now().Add(-time.Second): second,
	} {
		r := c.open(&postriderv1.SubscribeRequest{Start: start.UTC().Format(time.RFC3339Nano)})
		r.expect(want...)
		r.quiet()
		r.leave()
	}
}

func tellGap(c *client) {
	published := c.publish(2)
	elsewhere := gateway.Cursor{Incarnation: gateway.Incarnation{1}, Position: 1}.String()
	r := c.open(&postriderv1.SubscribeRequest{Start: elsewhere})
	gap := r.begin.GetGap()
	if gap == nil {
		gap = r.next().GetGap() // Some protocols have a message of its own for it.
	}
	if gap.GetReason() != postriderv1.GapReason_GAP_REASON_LOG_REPLACED || gap.GetMessage() == "" {
		c.t.Errorf("the gap is %v", gap)
	}
	r.expect(published...)
	r.quiet()
}
