package websocket_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/stream/streamtest"
)

// bubble runs a test in which time is that of the bubble.
func bubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		test(t, w)
		w.stop()
	})
}

// Who does not say who it is has ten seconds for it.
func TestAClientThatDoesNotAuthenticate(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.known = false
		silent, known := w.dial(), w.dial()
		known.ask(`{"id":"1","authenticate":{"token":"` + streamtest.AdminKey + `"}}`)
		known.expect("ready")
		began := time.Now()
		end := silent.expect("end")
		if took := time.Since(began); took != 10*time.Second || end.End.Code != "unauthenticated" {
			t.Errorf("after %v: %s", took, end.raw)
		}
		silent.expectClose(4401)
		time.Sleep(5 * time.Second)
		known.ask(`{"id":"2","ping":{}}`)
		known.expect("pong")
	})
}

// A quiet client is pinged every 30 seconds; one that answers is kept, one that does not is let go.
func TestDeadPeers(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		alive := w.dial()
		alive.expect("ready")
		began := time.Now()
		for range 10 {
			if f := alive.next(); f.op != opPing {
				t.Fatalf("got %v", f)
			}
			alive.send(0, pong(""))
		}
		if took := time.Since(began); took != 10*30*time.Second {
			t.Errorf("ten pings took %v", took)
		}
		began = time.Now()
		for range 2 {
			if f := alive.next(); f.op != opPing {
				t.Fatalf("got %v", f)
			}
		}
		// What it still reads is the end of the connection.
		if f, err := alive.read(); err == nil {
			t.Errorf("got %v", f)
		}
		if took := time.Since(began); took < 60*time.Second || took > 90*time.Second {
			t.Errorf("kept for %v", took)
		}
		if cause := w.ended(); cause != "canceled" {
			t.Errorf("ends with %v", cause)
		}
	})
}

// A client that does not read holds up itself alone: others get all there is meanwhile, and it is let go after 30 seconds.
func TestAClientThatDoesNotRead(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		stuck, healthy := w.dial(), w.dial()
		for _, c := range []*rawClient{stuck, healthy} {
			c.expect("ready")
			c.ask(`{"subscription":"s","subscribe":{}}`)
			c.expect("begin")
		}
		began := time.Now()
		for range 20 {
			w.append(100, `{"text":"`+strings.Repeat("a", 1000)+`"}`)
			for range 100 {
				healthy.expect("event")
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the healthy client waited %v", took)
		}
		if cause := w.ended(); cause != "canceled" {
			t.Errorf("ends with %v", cause)
		}
		if took := time.Since(began); took < 29*time.Second || took > 35*time.Second {
			t.Errorf("let go after %v", took)
		}
	})
}

// What is ready goes out in one write.
func TestABatchIsOneWrite(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		c := w.dial()
		c.expect("ready")
		c.ask(`{"subscription":"s","subscribe":{}}`)
		c.expect("begin")
		w.append(20, `{}`)
		synctest.Wait()
		// A pipe gives what one write holds, and no more.
		piece := make([]byte, 1<<20)
		n, err := c.conn.Read(piece)
		if got := strings.Count(string(piece[:n]), `"event":{`); err != nil || got != 20 {
			t.Errorf("the first write has %d events: %v", got, err)
		}
	})
}

// A client may send a thousand messages at once, and then a thousand a second; more wait.
func TestThePaceOfAClient(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for name, one := range map[string]frame{"messages": text(`{"ping":{}}`), "pings": ping("")} {
			c := w.dial()
			c.expect("ready")
			time.Sleep(time.Second)
			began := time.Now()
			go func() {
				for range 3000 {
					c.send(0, one)
				}
			}()
			for range 1000 {
				c.next()
			}
			if took := time.Since(began); took > 10*time.Millisecond {
				t.Errorf("%s: the first thousand took %v", name, took)
			}
			for range 2000 {
				c.next()
			}
			if took := time.Since(began); took < 1900*time.Millisecond || took > 2100*time.Millisecond {
				t.Errorf("%s: three thousand took %v", name, took)
			}
		}
	})
}

// A socket that sent pongs, or parts of a message with nothing in them, was read as fast as it could send: sixteen made others wait
// for seconds. They take a message's time each. Parts with something in them take none.
func TestFramesThatBringNothingHaveThePaceOfMessages(t *testing.T) {
	const frames = 3000
	for _, tt := range []struct {
		name        string
		first       frame
		one         frame
		last        frame
		least, most time.Duration
	}{
		{"pongs", frame{op: opPong}, frame{op: opPong}, text(`{"ping":{}}`), 1900 * time.Millisecond, 2100 * time.Millisecond},
		{
			"empty parts",
			frame{op: opText, open: true, payload: `{"ping":{}}`},
			frame{op: opContinuation, open: true},
			frame{op: opContinuation},
			1900 * time.Millisecond, 2100 * time.Millisecond,
		},
		{
			"small parts",
			frame{op: opText, open: true, payload: `{"ping":{}}`},
			frame{op: opContinuation, open: true, payload: "  "},
			frame{op: opContinuation},
			1900 * time.Millisecond, 2100 * time.Millisecond,
		},
		{
			"larger parts",
			frame{op: opText, open: true, payload: `{"ping":{}}`},
			frame{op: opContinuation, open: true, payload: strings.Repeat(" ", 512)},
			frame{op: opContinuation},
			0, 10 * time.Millisecond,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				c := w.dial()
				c.expect("ready")
				time.Sleep(time.Second)
				count := frames
				if tt.most < time.Second {
					count = 1900 // As many as fit into a message here.
				}
				began := time.Now()
				go func() {
					c.send(0, tt.first)
					for range count {
						c.send(0, tt.one)
					}
					c.send(0, tt.last)
				}()
				c.expect("pong")
				if took := time.Since(began); took < tt.least || took > tt.most {
					t.Errorf("%d frames took %v", count, took)
				}
			})
		})
	}
}

// Each of a hundred connections of a key was read at a pace of its own, so that together they took all processors. A key may send five
// thousand messages at once on all of them, and as many a second.
func TestTheConnectionsOfAKeyShareAPace(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const connections, each = 10, 1500
		var all []*rawClient
		for range connections {
			c := w.dial()
			c.expect("ready")
			all = append(all, c)
		}
		began := time.Now()
		for _, c := range all {
			go func() {
				for range each {
					c.send(0, frame{op: opPong})
				}
				c.send(0, text(`{"ping":{}}`))
			}()
		}
		for _, c := range all {
			c.expect("pong")
		}
		if took := time.Since(began); took < 1900*time.Millisecond || took > 4*time.Second {
			t.Errorf("%d frames of %d connections took %v, want 2 s and what each had to wait", connections*each, connections, took)
		}
	})
}

// A connection carries 64 subscriptions; one more is refused, and fits when another is closed.
func TestHowManySubscriptions(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		c := w.dial()
		c.expect("ready")
		for i := range 64 {
			c.ask(`{"subscription":"s%d","subscribe":{"heartbeatInterval":"300s"}}`, i)
			c.expect("begin")
		}
		c.ask(`{"id":"x","subscription":"more","subscribe":{}}`)
		if got := c.expect("error"); got.Error.Code != "resource_exhausted" || got.ID != "x" {
			t.Errorf("got %s", got.raw)
		}
		c.ask(`{"id":"y","subscription":"s1","subscribe":{}}`)
		if got := c.expect("error"); got.Error.Code != "already_exists" {
			t.Errorf("got %s", got.raw)
		}
		c.ask(`{"subscription":"s1","unsubscribe":{}}`)
		c.expect("unsubscribed")
		c.ask(`{"subscription":"more","subscribe":{}}`)
		c.expect("begin")
	})
}

// Garbage is answered, or fails the connection; either way the next client is served.
func TestGarbage(t *testing.T) {
	for name, tt := range map[string]struct {
		protocol string
		send     frame
		code     int // of the close; 0 for an error that is answered
	}{
		"no JSON":            {"postrider.v1.json", text(`hello`), 0},
		"nothing":            {"postrider.v1.json", text(``), 0},
		"JSON and more":      {"postrider.v1.json", text(`{"ping":{}} {}`), 0},
		"an array":           {"postrider.v1.json", text(`[]`), 0},
		"deep":               {"postrider.v1.json", text(`{"publish":{"event":{"data":` + strings.Repeat("[", 100_000) + `}}}`), 0},
		"long id":            {"postrider.v1.json", text(`{"id":"` + strings.Repeat("a", 65) + `","ping":{}}`), 0},
		"binary":             {"postrider.v1.json", data(`{"ping":{}}`), 1003},
		"too large":          {"postrider.v1.json", text(strings.Repeat(" ", 1<<20+1)), 1009},
		"no message":         {"postrider.v1.proto", data("\xff\xff\xff"), 0},
		"text":               {"postrider.v1.proto", text("hello"), 1003},
		"not UTF-8":          {"postrider.v1.json", text("{\"id\":\"\xff\"}"), 1007},
		"without a mask":     {"postrider.v1.json", frame{op: opText, payload: "{}", bare: true}, 1002},
		"request of a reply": {"postrider.v1.json", text(`{"ready":{}}`), 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				c := w.dial("Sec-WebSocket-Protocol: " + tt.protocol)
				c.next()
				go c.send(0, tt.send)
				if tt.code == 1009 {
					if got := c.next(); !strings.Contains(got.payload, `TOO_LARGE"`) {
						t.Errorf("got %v, want an end with its reason", got)
					}
				}
				if tt.code != 0 {
					c.expectClose(tt.code)
					return
				}
				if got := c.next(); got.op == opClose || !strings.Contains(got.payload, "invalid_argument") {
					t.Errorf("got %v", got)
				}
			})
		})
	}
}

// Many publishes may be under way: those that come meanwhile are stored together, in order, and a bad one alone is refused.
func TestPublishesAreStoredTogether(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var calls, most int
		w.log.before = func(events []store.NewEvent) error {
			time.Sleep(10 * time.Millisecond)
			calls, most = calls+1, max(most, len(events))
			return nil
		}
		c := w.dial()
		c.expect("ready")
		const n = 900
		go func() {
			for i := range n {
				tenant := ""
				if i == 500 {
					tenant = "nobody"
				}
				c.ask(`{"id":"%d","publish":{"tenant":%q,"event":{"id":"e%d","type":"a"}}}`, i, tenant, i)
			}
		}()
		for i := range n {
			got := c.tell()
			if got.ID != fmt.Sprint(i) || (got.Error != nil) != (i == 500) {
				t.Fatalf("answer %d is %s", i, got.raw)
			}
		}
		if most > 257 || calls > n/5 {
			t.Errorf("%d calls, at most %d at once", calls, most)
		}
		w.log.before = func([]store.NewEvent) error { return errors.New("the disk said: secret") }
		c.ask(`{"id":"x","publish":{"event":{"type":"a"}}}`)
		if got := c.expect("error"); got.Error.Code != "internal" || strings.Contains(got.raw, "secret") {
			t.Errorf("an unexpected error: %s", got.raw)
		}
	})
}

// A panic ends one connection, with an error that tells nothing.
func TestAPanicEndsOneConnection(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.log.before = func([]store.NewEvent) error { panic("secret") }
		c, other := w.dial(), w.dial()
		c.expect("ready")
		other.expect("ready")
		c.ask(`{"publish":{"event":{"type":"a"}}}`)
		if got := c.expect("end"); got.End.Code != "internal" || strings.Contains(got.raw, "secret") {
			t.Errorf("ends with %s", got.raw)
		}
		c.expectClose(1011)
		other.ask(`{"id":"1","ping":{}}`)
		other.expect("pong")
	})
}

// A stop is not held up by a client that does not read.
func TestAStopWaitsForNobodyLong(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		stuck, healthy := w.dial(), w.dial()
		for _, c := range []*rawClient{stuck, healthy} {
			c.expect("ready")
			c.ask(`{"subscription":"s","subscribe":{}}`)
			c.expect("begin")
		}
		w.append(200, `{}`)
		for range 200 {
			healthy.expect("event")
		}
		began := time.Now()
		go w.stop()
		for range 2 {
			healthy.expect("end")
		}
		healthy.expectClose(1012)
		<-w.stopped
		if took := time.Since(began); took > 2100*time.Millisecond {
			t.Errorf("stopping took %v", took)
		}
	})
}
