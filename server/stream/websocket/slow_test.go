package websocket_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

// heard is what a client was told of a subscription.
type heard struct {
	events, dropped int
	// end is the reason why there is no more.
	end string
}

// hear reads up to an event, or to the end of a subscription.
func (c *rawClient) hear(last string) (h heard) {
	c.t.Helper()
	for {
		var one struct {
			Message struct {
				Event   struct{ ID string }
				Dropped struct{ Events string }
			}
			End struct{ Reason string }
		}
		raw := c.tell().raw
		if err := json.Unmarshal([]byte(raw), &one); err != nil {
			c.t.Fatalf("%s: %v", raw, err)
		}
		dropped, _ := strconv.Atoi(one.Message.Dropped.Events)
		h.dropped += dropped
		if one.Message.Event.ID != "" {
			h.events++
		}
		if h.end = one.End.Reason; h.end != "" || one.Message.Event.ID == last {
			return h
		}
	}
}

// What a subscription gets whose client reads nothing for a while, by the policy that it has chosen. More is written than
// what the connection and the queue hold.
func TestASlowClientOfASocket(t *testing.T) {
	const published = 1000
	for _, tt := range []struct {
		policy string
		right  func(heard) bool
	}{
		{"SLOW_POLICY_CATCH_UP", func(h heard) bool { return h.events == published && h.dropped == 0 && h.end == "" }},
		{"SLOW_POLICY_DROP", func(h heard) bool { return h.dropped > 0 && h.events+h.dropped == published && h.end == "" }},
		{"SLOW_POLICY_LATEST_BY_KEY", func(h heard) bool { return h.events < published && h.dropped == 0 && h.end == "" }},
		{"SLOW_POLICY_DISCONNECT", func(h heard) bool { return h.events < published && h.end == "SLOW_CONSUMER" }},
	} {
		t.Run(tt.policy, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				c := w.dial()
				c.expect("ready")
				c.ask(`{"subscription":"s","subscribe":{"slowPolicy":%q}}`, tt.policy)
				c.expect("begin")
				c.ask(`{"subscription":"other","subscribe":{"types":["none"]}}`)
				c.expect("begin")
				for range published {
					w.append(1, `{"text":"`+strings.Repeat("a", 1000)+`"}`)
					synctest.Wait()
				}
				if got := c.hear(fmt.Sprintf("e-%d-0", published-1)); !tt.right(got) {
					t.Errorf("got %+v", got)
				}
				c.ask(`{"id":"x","ping":{}}`)
				c.expect("pong")
			})
		})
	}
}
