package rpc_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/grpctest"
)

const oddNumbers = `{"big":9007199254740993,"money":1.10,"@type":"mine","nested":{"z":1,"a":2}}`

// overH2C speaks HTTP/2 without TLS.
func overH2C() *http.Client { return &http.Client{Transport: &withKey{adminKey, h2c()}} }

func h2c() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Transport{Protocols: protocols}
}

func TestEveryProtocolSaysTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h1 := &http.Client{Transport: &withKey{adminKey, http.DefaultTransport}}
	for name, c := range map[string]clients{
		"connect":             w.over(h1),
		"connect over HTTP/2": w.over(overH2C()),
		"gRPC":                w.over(overH2C(), connect.WithGRPC()),
		"gRPC-Web":            w.over(h1, connect.WithGRPCWeb()),
		"connect with gzip":   w.over(h1, connect.WithSendGzip()),
		"GET":                 w.over(h1, connect.WithHTTPGet()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := &postriderv1.Event{
				Type: "order.created", Source: "/shop", Subject: "42",
				Time:    timestamppb.New(time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)),
				Payload: &postriderv1.Event_JsonData{JsonData: oddNumbers},
			}
			published, err := c.events.Publish(t.Context(), connect.NewRequest(&postriderv1.PublishRequest{Event: sent}))
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.events.GetEvent(t.Context(), connect.NewRequest(&postriderv1.GetEventRequest{Id: published.Msg.GetId()}))
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, got.Msg.GetEvent(), sent)
			stream, err := c.events.Subscribe(soon(t), connect.NewRequest(&postriderv1.SubscribeRequest{Start: "earliest"}))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = stream.Close() }()
			checkSame(t, find(t, stream, published.Msg.GetId()), sent)
			_, err = c.events.GetEvent(t.Context(), connect.NewRequest(&postriderv1.GetEventRequest{Id: "nothing"}))
			if codeOf(err) != "not_found" {
				t.Errorf("for an event that is not there: %v, want not_found", err)
			}
		})
	}
}

func checkSame(t *testing.T, got, want *postriderv1.Event) {
	t.Helper()
	if got.GetType() != want.GetType() || got.GetSource() != want.GetSource() || got.GetSubject() != want.GetSubject() ||
		!proto.Equal(got.GetTime(), want.GetTime()) || got.GetJsonData() != want.GetJsonData() {
		t.Errorf("read back %v, want %v", got, want)
	}
}

// find reads a stream up to the event with this id.
func find(t *testing.T, stream *connect.ServerStreamForClient[postriderv1.SubscribeResponse], id string) *postriderv1.Event {
	t.Helper()
	if !stream.Receive() || stream.Msg().GetBegin() == nil {
		t.Fatalf("the first message is %v (%v), want begin", stream.Msg(), stream.Err())
	}
	for stream.Receive() {
		if event := stream.Msg().GetEvent(); event.GetId() == id {
			if stream.Msg().GetCursor() != event.GetCursor() {
				t.Errorf("message cursor %q, event cursor %q", stream.Msg().GetCursor(), event.GetCursor())
			}
			return event
		}
	}
	t.Fatalf("the stream ended without %s: %v", id, stream.Err())
	return nil
}

func TestGRPCGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address := strings.TrimPrefix(w.url, "http://")
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	ctx := metadata.AppendToOutgoingContext(soon(t), "authorization", "Bearer "+adminKey)
	events := grpctest.Events{Connection: connection}
	ack, err := events.Publish(ctx, &postriderv1.PublishRequest{Event: &postriderv1.Event{
		Type: "order.created", Payload: &postriderv1.Event_JsonData{JsonData: oddNumbers},
	}})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := events.Subscribe(ctx, &postriderv1.SubscribeRequest{Start: "earliest"})
	if err != nil {
		t.Fatal(err)
	}
	for {
		message, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if event := message.GetEvent(); event != nil {
			if event.GetId() != ack.GetId() || event.GetJsonData() != oddNumbers {
				t.Errorf("streamed %v", event)
			}
			break
		}
	}
	_, err = events.Publish(soon(t), &postriderv1.PublishRequest{Event: &postriderv1.Event{Type: "order.created"}})
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a key: %v", err)
	}
	check, err := healthv1.NewHealthClient(connection).Check(soon(t), &healthv1.HealthCheckRequest{Service: "postrider.v1.EventService"})
	if err != nil || check.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("health: %v %v", check, err)
	}
}

func TestPublishByGetIsNotAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	message := url.QueryEscape(`{"event":{"type":"order.created","data":{}}}`)
	for _, procedure := range []string{"Publish", "PublishBatch"} {
		got := w.do(http.MethodGet, "/postrider.v1.EventService/"+procedure+"?connect=v1&encoding=json&message="+message, adminKey, "")
		if got.status != http.StatusMethodNotAllowed {
			t.Errorf("%s by GET answers %d, want 405", procedure, got.status)
		}
	}
	if got := w.do(http.MethodGet, "/postrider.v1.EventService/ListEvents?connect=v1&encoding=json&message=%7B%7D", adminKey, ""); got.status != http.StatusOK || strings.Contains(got.body, "order.created") {
		t.Errorf("ListEvents by GET answers %d %s", got.status, got.body)
	} else if got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("ListEvents by GET may be kept: %q", got.header.Get("Cache-Control"))
	}
}

func TestJSONSeesTypedAndUntypedDataAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, body := range []string{
		`{"event":{"id":"untyped","type":"order.created","data":` + oddNumbers + `}}`,
		`{"event":{"id":"typed","type":"shop.v1.CustomerRegistered","data":` + customer + `}}`,
	} {
		if got := w.post("/postrider.v1.EventService/Publish", adminKey, body); got.status != http.StatusOK {
			t.Fatalf("publish answers %d %s", got.status, got.body)
		}
	}
	if got := w.post("/postrider.v1.EventService/GetEvent", adminKey, `{"id":"untyped"}`); !strings.Contains(got.body, `"data":`+oddNumbers) {
		t.Errorf("untyped reads back as %s", got.body)
	}
	got := w.post("/postrider.v1.EventService/GetEvent", adminKey, `{"id":"typed"}`)
	if !strings.Contains(got.body, `"data":{`) || strings.Contains(got.body, "@type") || !strings.Contains(got.body, `"schemaVersion":1`) {
		t.Errorf("typed reads back as %s", got.body)
	}
	binary, err := w.admin().events.GetEvent(t.Context(), connect.NewRequest(&postriderv1.GetEventRequest{Id: "typed"}))
	if err != nil || !strings.HasSuffix(binary.Msg.GetEvent().GetProtoData().GetTypeUrl(), "/shop.v1.CustomerRegistered") {
		t.Errorf("typed reads back in binary as %v (%v)", binary, err)
	}
	text, err := w.admin().events.GetEvent(t.Context(), connect.NewRequest(&postriderv1.GetEventRequest{
		Id: "typed", PayloadFormat: postriderv1.PayloadFormat_PAYLOAD_FORMAT_JSON,
	}))
	if err != nil || text.Msg.GetEvent().GetJsonData() == "" {
		t.Errorf("typed as JSON text reads back as %v (%v)", text, err)
	}
}

func TestHTTP1AndHTTP2OnOnePort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, client := range map[string]*http.Client{"HTTP/1.1": http.DefaultClient, "HTTP/2": overH2C()} {
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.url+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Proto, name) {
			t.Errorf("%s: %d over %s", name, response.StatusCode, response.Proto)
		}
	}
}
