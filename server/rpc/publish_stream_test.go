package rpc_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server"
	"github.com/postrider-dev/postrider/server/grpctest"
)

// publishing is the client's side of a PublishStream, whatever the client.
type publishing interface {
	Send(request *postriderv1.PublishStreamRequest) error
	Receive() (*postriderv1.PublishStreamResponse, error)
	CloseRequest() error
}

// overGRPC makes a publishing of what grpc-go has.
type overGRPC struct {
	grpc.BidiStreamingClient[postriderv1.PublishStreamRequest, postriderv1.PublishStreamResponse]
}

func (g overGRPC) Receive() (*postriderv1.PublishStreamResponse, error) { return g.Recv() }
func (g overGRPC) CloseRequest() error                                  { return g.CloseSend() }

func (w *world) publishing(ctx context.Context, key string, options ...connect.ClientOption) publishing {
	return w.over(&http.Client{Transport: &withKey{key, h2c()}}, options...).events.PublishStream(ctx)
}

func (w *world) grpcPublishing(ctx context.Context, key string) publishing {
	w.t.Helper()
	conn, err := grpc.NewClient(strings.TrimPrefix(w.url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	stream, err := grpctest.Events{Connection: conn}.PublishStream(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+key))
	if err != nil {
		w.t.Fatal(err)
	}
	return overGRPC{stream}
}

func streamed(id, eventType, data string) *postriderv1.PublishStreamRequest {
	return &postriderv1.PublishStreamRequest{Event: &postriderv1.Event{
		Id: id, Type: eventType, Payload: &postriderv1.Event_JsonData{JsonData: data},
	}}
}

func receive(t *testing.T, from publishing) *postriderv1.PublishStreamResponse {
	t.Helper()
	response, err := from.Receive()
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestPublishStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, open := range map[string]func() publishing{
		"Connect":  func() publishing { return w.publishing(soon(t), adminKey) },
		"gRPC":     func() publishing { return w.publishing(soon(t), adminKey, connect.WithGRPC()) },
		"gRPC-Web": func() publishing { return w.publishing(soon(t), adminKey, connect.WithGRPCWeb()) },
		"grpc-go":  func() publishing { return w.grpcPublishing(soon(t), adminKey) },
	} {
		t.Run(name, func(t *testing.T) {
			to := open()
			id := strings.ReplaceAll(name, " ", "_")
			requests := []*postriderv1.PublishStreamRequest{
				streamed(id+"-1", "order.created", `{"n":1}`),
				streamed("", "order.created", `{"n":2}`),
				streamed(id+"-1", "order.created", `{"n":1}`),
				streamed(id+"-1", "order.created", `{"n":9}`),
				streamed(id+"-2", "shop.v1.CustomerRegistered", `{"email":5}`),
				{},
				{Tenant: "acme", Event: &postriderv1.Event{Id: id + "-3", Type: "order.created"}},
				streamed(id+"-4", "order.created", `{"big":`),
				streamed(id+"-5", "shop.v1.CustomerRegistered", customer),
			}
			for _, request := range requests {
				if err := to.Send(request); err != nil {
					t.Fatal(err)
				}
			}
			if err := to.CloseRequest(); err != nil {
				t.Fatal(err)
			}
			var told []string
			last, first := "", ""
			for i := range requests {
				response := receive(t, to)
				if ack := response.GetAck(); ack != nil {
					told = append(told, fmt.Sprintf("stored, duplicate %v", ack.GetDuplicate()))
					if ack.GetIndex() != int64(i) || ack.GetId() == "" || !ack.GetDuplicate() && ack.GetCursor() <= last {
						t.Errorf("request %d: %v", i, ack)
					}
					last = ack.GetCursor()
					if first == "" {
						first = ack.GetCursor()
					}
					if ack.GetDuplicate() && ack.GetCursor() != first {
						t.Errorf("the repeat is at %s, want %s", ack.GetCursor(), first)
					}
					continue
				}
				refused := response.GetError()
				told = append(told, refused.GetCode()+" "+strings.TrimPrefix(refused.GetReason().String(), "ERROR_REASON_"))
				if refused.GetIndex() != int64(i) || refused.GetId() != requests[i].GetEvent().GetId() || refused.GetMessage() == "" || len(refused.GetViolations()) == 0 {
					t.Errorf("request %d: %v", i, refused)
				}
			}
			want := []string{
				"stored, duplicate false", "stored, duplicate false", "stored, duplicate true", "already_exists EVENT_ID_CONFLICT",
				"invalid_argument SCHEMA_VIOLATION", "invalid_argument INVALID_FIELD", "invalid_argument INVALID_FIELD",
				"invalid_argument MALFORMED_REQUEST", "stored, duplicate false",
			}
			if fmt.Sprint(told) != fmt.Sprint(want) {
				t.Errorf("got  %q\nwant %q", told, want)
			}
			summary := receive(t, to).GetSummary()
			if summary.GetStored() != 3 || summary.GetDuplicates() != 1 || summary.GetRefused() != 5 || summary.GetCursor() != last || len(summary.GetErrors()) != 5 {
				t.Errorf("summary %v", summary)
			}
			if _, err := to.Receive(); !errors.Is(err, io.EOF) {
				t.Errorf("after the summary: %v", err)
			}
		})
	}
}

// In JSON the payload is a plain object, whose text is kept.
func TestAPublishStreamInJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var body []byte
	for _, message := range []string{
		`{"event":{"id":"a","type":"order.created","data":{"n":9007199254740993}}}`,
		`{"event":{"id":"b","typ":"order.created"}}`,
		`{"event":`,
		`{"event":{"id":"c","type":"order.created"}}`,
	} {
		body = append(binary.BigEndian.AppendUint32(append(body, 0), uint32(len(message))), message...)
	}
	client := &http.Client{Transport: h2c()}
	got := w.doOver(client, http.MethodPost, "/postrider.v1.EventService/PublishStream", adminKey, string(body), "Content-Type", "application/connect+json")
	for _, part := range []string{
		`"id":"a"`, `event.typ: is not a known field`, `is cut off`, `"id":"c"`, `"stored":"2"`, `"refused":"2"`,
	} {
		if !strings.Contains(strings.ReplaceAll(got.body, `": "`, `":"`), part) {
			t.Errorf("%s is not in %s", part, got.body)
		}
	}
	if stored := w.post("/postrider.v1.EventService/GetEvent", adminKey, `{"id":"a"}`); !strings.Contains(stored.body, `{"n":9007199254740993}`) {
		t.Errorf("stored: %s", stored.body)
	}
}

// More than a window of events: what was stored is in the log in the order of the stream, each once.
func TestManyEventsOfAPublishStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const events = 5000
	to := w.publishing(t.Context(), adminKey)
	go func() {
		for n := range events {
			request := streamed("", "order.created", fmt.Sprintf(`{"n":%d}`, n))
			if n%50 == 49 {
				request.Event.Type = "not a type"
			}
			if to.Send(request) != nil {
				return
			}
		}
		_ = to.CloseRequest()
	}()
	cursor := ""
	for n := range events {
		response := receive(t, to)
		if n%50 == 49 {
			if response.GetError().GetIndex() != int64(n) {
				t.Fatalf("request %d: %v", n, response)
			}
			continue
		}
		if ack := response.GetAck(); ack.GetIndex() != int64(n) || ack.GetCursor() <= cursor {
			t.Fatalf("request %d: %v", n, response)
		}
		cursor = response.GetAck().GetCursor()
	}
	summary := receive(t, to).GetSummary()
	if summary.GetStored() != events*49/50 || summary.GetRefused() != events/50 || len(summary.GetErrors()) != 100 || summary.GetCursor() != cursor {
		t.Errorf("summary: %d stored, %d refused, %d errors", summary.GetStored(), summary.GetRefused(), len(summary.GetErrors()))
	}
	stream := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{Start: "earliest"})
	for n := range events {
		if n%50 != 49 {
			if got, want := nextEvent(t, stream).GetJsonData(), fmt.Sprintf(`{"n":%d}`, n); got != want {
				t.Fatalf("the log has %s, want %s", got, want)
			}
		}
	}
}

// The server and the client's connection go away again and again. A client that repeats what was not acknowledged, with its
// ids, has everything stored once and in order.
func TestAPublishStreamIsRepeated(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	keep := func(config *server.Config) { config.Data = data }
	w := newWorld(t, keep)
	const events = 2000
	acknowledged := 0
	for round := 0; acknowledged < events; round++ {
		ctx, cancel := context.WithCancel(soon(t))
		to := w.publishing(ctx, adminKey)
		if round%2 == 1 {
			to = w.grpcPublishing(ctx, adminKey)
		}
		from := acknowledged
		go func() {
			for n := from; n < events; n++ {
				if to.Send(streamed(fmt.Sprint("e", n), "order.created", fmt.Sprintf(`{"n":%d}`, n))) != nil {
					return
				}
			}
		}()
		for range 250 { // Some more are on the way by then.
			response, err := to.Receive()
			if err != nil || acknowledged == events {
				break
			}
			if ack := response.GetAck(); ack.GetId() != fmt.Sprint("e", acknowledged) {
				t.Fatalf("round %d: %v, want e%d", round, response, acknowledged)
			}
			acknowledged++
		}
		if round%3 == 2 {
			if err := w.stop(); err != nil {
				t.Fatal(err)
			}
			for err := error(nil); err == nil; {
				// The answer may be lost to a client that is still writing when the connection is closed.
				if _, err = to.Receive(); (connect.IsWireError(err) || errors.Is(err, io.EOF)) && codeOf(err) != "unavailable" && round%2 == 0 {
					t.Errorf("the server stops: %v", err)
				}
			}
			w = newWorld(t, keep)
		}
		cancel()
	}
	stream := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{Start: "earliest"})
	for n := range events {
		if got, want := nextEvent(t, stream).GetId(), fmt.Sprint("e", n); got != want {
			t.Fatalf("the log has %s, want %s", got, want)
		}
	}
	if last := w.publish("order.created", `{}`).GetId(); nextEvent(t, stream).GetId() != last {
		t.Error("there is more in the log than was published")
	}
}

func TestWhatEndsAPublishStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(config *server.Config) { config.MaxRequestBytes = 64 << 10 })
	w.tenant("acme")
	key, id := w.key("publisher", "", publish)
	stranger, _ := w.key("stranger", "acme", publish)
	first := func(key string, request *postriderv1.PublishStreamRequest) (*postriderv1.PublishStreamResponse, error) {
		to := w.publishing(soon(t), key)
		_ = to.Send(request)
		return to.Receive()
	}
	foreign := streamed("", "order.created", `{}`)
	foreign.Tenant = "default"
	for _, tt := range []struct {
		name    string
		key     string
		request *postriderv1.PublishStreamRequest
		code    string
	}{
		{"another tenant", stranger, foreign, "not_found"},
		{"no key", "", foreign, "unauthenticated"},
		{"a first request that cannot be read", key, streamed("", "order.created", strings.Repeat("x", 70<<10)), "invalid_argument"},
		{"far too large", key, streamed("", "order.created", strings.Repeat("x", 90<<10)), "invalid_argument"},
	} {
		if response, err := first(tt.key, tt.request); codeOf(err) != tt.code {
			t.Errorf("%s: %v, %v, want %s", tt.name, response, err, tt.code)
		}
	}
	to := w.publishing(soon(t), key)
	for i, size := range []int{0, 70 << 10, 0} { // One that is too large is refused, and the next one is not.
		_ = to.Send(streamed("", "order.created", `{"x":"`+strings.Repeat("x", size)+`"}`))
		response := receive(t, to)
		if refused := response.GetError(); (size > 0) != (refused.GetReason() == postriderv1.ErrorReason_ERROR_REASON_TOO_LARGE) {
			t.Errorf("request %d: %v", i, response)
		}
	}
	if _, err := w.admin().keys.RevokeApiKey(soon(t), connect.NewRequest(&postriderv1.RevokeApiKeyRequest{Id: id})); err != nil {
		t.Fatal(err)
	}
	if response, err := to.Receive(); codeOf(err) != "unauthenticated" || !strings.Contains(err.Error(), "the key is revoked") {
		t.Errorf("after the revocation: %v, %v", response, err)
	}
}

func TestAPublishStreamNeedsHTTP2(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.post("/postrider.v1.EventService/PublishStream", adminKey, `{}`)
	if told := got.error(t); told.Code != "failed_precondition" || !strings.Contains(told.Message, "needs HTTP/2") {
		t.Errorf("%d %s", got.status, got.body)
	}
	to := w.admin().events.PublishStream(soon(t))
	_ = to.Send(streamed("", "order.created", `{}`))
	if response, err := to.Receive(); err == nil {
		t.Errorf("over HTTP/1.1: %v", response)
	}
}
