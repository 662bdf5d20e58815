package websocket_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/postrider-dev/postrider/server/gateway"
)

// A subscription that ends because its client is slow leaves the connection and its other subscriptions as they are.
func TestASlowSubscriptionEndsAlone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		c := w.dial()
		c.expect("ready")
		c.ask(`{"subscription":"slow","subscribe":{"slowPolicy":"SLOW_POLICY_DISCONNECT"}}`)
		c.expect("begin")
		c.ask(`{"subscription":"other","subscribe":{"types":["other"]}}`)
		c.expect("begin")
		w.append(1, `{"text":"`+strings.Repeat("a", 100_000)+`"}`)
		synctest.Wait()
		w.append(300, `{}`)
		synctest.Wait()
		last := c.tell()
		for last.Message != nil {
			last = c.tell()
		}
		if last.Subscription != "slow" || last.End == nil || last.End.Code != "resource_exhausted" {
			t.Errorf("got %s", last.raw)
		}
		w.Publish(1, &gateway.Event{Type: "other"})
		if got := c.expect("event"); got.Subscription != "other" {
			t.Errorf("got %s", got.raw)
		}
		c.ask(`{"id":"x","ping":{}}`)
		c.expect("pong")
	})
}
