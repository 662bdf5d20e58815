package rpc_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

const socketPath = "/v1/events/socket"

// socket is a WebSocket in JSON or, where binary is set, in Protobuf.
type socket struct {
	t      *testing.T
	conn   *websocket.Conn
	binary bool
}

// told is a response in JSON.
type told struct {
	raw          string
	ID           string
	Subscription string
	Ready        *struct{ Tenant, ExpireTime string }
	Message      *struct {
		Cursor string
		Begin  *struct {
			Stream string
			Gap    *struct{ Reason string }
		}
		Event     json.RawMessage
		Heartbeat *struct{}
		Filters   []string
	}
	Updated, Unsubscribed *struct{ Cursor string }
	Published             *struct {
		ID, Cursor string
		Duplicate  bool
	}
	Pong  *struct{}
	Error *struct {
		Code, Reason, Message string
		Violations            []struct{ Field, Rule, Message string }
	}
	End *struct {
		Code, Reason, Message, Cursor string
		Reconnect                     bool
	}
}

// in is the world for a test within the test.
func (w *world) in(t *testing.T) *world {
	inner := *w
	inner.t = t
	return &inner
}

// bareTicket is a ticket as it goes into a message.
func (w *world) bareTicket(key, body string) string {
	w.t.Helper()
	return strings.TrimPrefix(w.ticket(key, body), "ticket=")
}

// dial opens a WebSocket; header are names and values. A subprotocol is among them, if any.
func (w *world) dial(query, key string, header ...string) (*socket, *http.Response, error) {
	w.t.Helper()
	options := &websocket.DialOptions{HTTPHeader: http.Header{}}
	if key != "" {
		options.HTTPHeader.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Sec-WebSocket-Protocol" {
			options.Subprotocols = strings.Split(header[i+1], ",")
			continue
		}
		options.HTTPHeader.Set(header[i], header[i+1])
	}
	conn, response, err := websocket.Dial(soon(w.t), w.url+socketPath+query, options)
	if err != nil {
		return nil, response, err
	}
	conn.SetReadLimit(-1)
	w.t.Cleanup(func() { _ = conn.CloseNow() })
	return &socket{t: w.t, conn: conn, binary: conn.Subprotocol() == "postrider.v1.proto"}, response, nil
}

func (w *world) socket(query, key string, header ...string) *socket {
	w.t.Helper()
	s, _, err := w.dial(query, key, header...)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// readySocket is one that was let in by its key.
func (w *world) readySocket(key string) *socket {
	w.t.Helper()
	s := w.socket("", key)
	if first := s.next(); first.Ready == nil {
		w.t.Fatalf("begins with %s", first.raw)
	}
	return s
}

func (s *socket) send(format string, args ...any) {
	s.t.Helper()
	if err := s.conn.Write(soon(s.t), websocket.MessageText, fmt.Appendf(nil, format, args...)); err != nil {
		s.t.Fatal(err)
	}
}

// next skips heartbeats: any subscription may send one between two other messages.
func (s *socket) next() told {
	s.t.Helper()
	for {
		kind, text, err := s.conn.Read(soon(s.t))
		if err != nil || kind != websocket.MessageText {
			s.t.Fatalf("read a message: %v, %v", kind, err)
		}
		one := told{raw: string(text)}
		if err := json.Unmarshal(text, &one); err != nil {
			s.t.Fatalf("%s: %v", text, err)
		}
		if one.Message == nil || one.Message.Heartbeat == nil {
			return one
		}
	}
}

// sendProto and nextProto are for the binary subprotocol.
func (s *socket) sendProto(request *postriderv1.SocketRequest) {
	s.t.Helper()
	raw, err := proto.Marshal(request)
	if err == nil {
		err = s.conn.Write(soon(s.t), websocket.MessageBinary, raw)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) nextProto() *postriderv1.SocketResponse {
	s.t.Helper()
	kind, raw, err := s.conn.Read(soon(s.t))
	response := &postriderv1.SocketResponse{}
	if err == nil {
		err = proto.Unmarshal(raw, response)
	}
	if err != nil || kind != websocket.MessageBinary {
		s.t.Fatalf("read a message: %v, %v", kind, err)
	}
	return response
}

// subscribe opens a subscription and returns its first message.
func (s *socket) subscribe(name, request string) told {
	s.t.Helper()
	s.send(`{"id":"open %s","subscription":"%s","subscribe":%s}`, name, name, request)
	first := s.next()
	if first.ID != "open "+name || first.Subscription != name || first.Message == nil || first.Message.Begin == nil {
		s.t.Fatalf("opens with %s", first.raw)
	}
	return first
}

// event returns the next message, which must be an event of this subscription, and the event's id.
func (s *socket) event(name string) (one told, id string) {
	s.t.Helper()
	one = s.next()
	if one.Message == nil || one.Subscription != name || one.Message.Event == nil {
		s.t.Fatalf("got %s, want an event of %s", one.raw, name)
	}
	var event struct{ ID string }
	if err := json.Unmarshal(one.Message.Event, &event); err != nil {
		s.t.Fatal(err)
	}
	return one, event.ID
}

func (s *socket) expectEvents(name string, ids ...string) (last told) {
	s.t.Helper()
	for i, want := range ids {
		var got string
		if last, got = s.event(name); got != want {
			s.t.Fatalf("event %d is %s, want %s", i, got, want)
		}
	}
	return last
}

// expectClose reads until the connection is closed, and wants this code.
func (s *socket) expectClose(code websocket.StatusCode) (before []told) {
	s.t.Helper()
	for {
		_, text, err := s.conn.Read(soon(s.t))
		if err != nil {
			if got := websocket.CloseStatus(err); got != code {
				s.t.Fatalf("closed with %v (%v), want %v", got, err, code)
			}
			return before
		}
		one := told{raw: string(text)}
		if err := json.Unmarshal(text, &one); err != nil {
			s.t.Fatalf("%s: %v", text, err)
		}
		before = append(before, one)
	}
}
