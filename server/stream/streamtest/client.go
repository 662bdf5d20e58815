package streamtest

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// client opens streams over the transport.
type client struct {
	*World
	t         *testing.T
	transport Transport
}

// publish commits n events at once of which a case needs nothing.
func (c *client) publish(n int) []*gateway.Event {
	c.t.Helper()
	return c.Publish(n, &gateway.Event{})
}

// pulse is the time between heartbeats. It is short, as a server may give up a client that does not read while others are looked at.
const pulse = time.Second

// open opens a stream with the admin key and the pulse, and reads its begin.
func (c *client) open(request *postriderv1.SubscribeRequest) *reader {
	c.t.Helper()
	request.HeartbeatInterval = durationpb.New(pulse)
	return c.openAs(AdminKey, request)
}

// openAs opens a stream with a key and reads its begin.
func (c *client) openAs(key string, request *postriderv1.SubscribeRequest) *reader {
	c.t.Helper()
	stream, err := c.transport.Open(key, request)
	if err != nil {
		c.t.Fatalf("open a stream: %v", err)
	}
	c.t.Cleanup(stream.Close)
	r := &reader{client: c, Stream: stream}
	if r.begin = r.next().GetBegin(); r.begin == nil {
		c.t.Fatal("the first message is not begin")
	}
	return r
}

// refused opens a stream that the server must refuse, and returns why.
func (c *client) refused(key string, request *postriderv1.SubscribeRequest) *End {
	c.t.Helper()
	stream, err := c.transport.Open(key, request)
	if err == nil {
		defer stream.Close()
		_, err = stream.Next()
	}
	var end *End
	if !errors.As(err, &end) {
		c.t.Fatalf("%v is not refused: %v", request, err)
	}
	return end
}

// reader reads one stream.
type reader struct {
	Stream
	client *client
	begin  *postriderv1.StreamBegin
	// cursor is that of the last message, and live what the last one that says so said.
	cursor string
	live   bool
}

// patience bounds what is waited for: heartbeats go on for ever.
const patience = 10 * time.Minute

// receive returns the next message, or why there is none.
func (r *reader) receive() (*postriderv1.SubscribeResponse, error) {
	r.client.t.Helper()
	message, err := r.Next()
	if err != nil {
		return nil, err
	}
	switch at := message.GetCursor(); {
	case at == "":
		r.client.t.Fatalf("a message without a cursor: %v", message)
	case at < r.cursor:
		r.client.t.Fatalf("the cursor goes back from %s to %s", r.cursor, at)
	default:
		r.cursor = at
	}
	switch told := message.GetMessage().(type) {
	case *postriderv1.SubscribeResponse_Begin:
		r.live = told.Begin.GetLive()
	case *postriderv1.SubscribeResponse_Heartbeat:
		r.live = told.Heartbeat.GetLive()
	}
	return message, nil
}

func (r *reader) next() *postriderv1.SubscribeResponse {
	r.client.t.Helper()
	message, err := r.receive()
	if err != nil {
		r.client.t.Fatalf("the stream ends: %v", err)
	}
	return message
}

// loud returns the next message that is no heartbeat.
func (r *reader) loud() *postriderv1.SubscribeResponse {
	r.client.t.Helper()
	for began := time.Now(); ; {
		message := r.next()
		if message.GetHeartbeat() == nil {
			return message
		}
		if time.Since(began) > patience {
			r.client.t.Fatal("nothing comes but heartbeats")
		}
	}
}

// expect reads these events, and nothing between them.
func (r *reader) expect(events ...*gateway.Event) {
	r.client.t.Helper()
	for _, want := range events {
		got := r.loud()
		if got.GetEvent().GetId() != want.ID || got.GetCursor() != r.client.Store.Cursor(want.Position).String() {
			r.client.t.Fatalf("got %v, want event %s at %d", got, want.ID, want.Position)
		}
	}
}

// quiet expects nothing but heartbeats for a while, and that the stream is live.
func (r *reader) quiet() {
	r.client.t.Helper()
	for began := time.Now(); time.Since(began) == 0; {
		if message := r.next(); message.GetHeartbeat() == nil {
			r.client.t.Fatalf("got %v, want nothing", message)
		}
	}
	if !r.live {
		r.client.t.Error("no message says that the stream is live")
	}
}

// end reads the stream to its end. It returns the ids of the events that come before.
func (r *reader) end() (ids []string, end *End) {
	r.client.t.Helper()
	for began := time.Now(); ; {
		message, err := r.receive()
		if errors.As(err, &end) {
			return ids, end
		}
		if err != nil || time.Since(began) > patience {
			r.client.t.Fatalf("the stream has no end: %v", err)
		}
		if event := message.GetEvent(); event != nil {
			ids = append(ids, event.GetId())
		}
	}
}
