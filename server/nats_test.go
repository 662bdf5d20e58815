package server_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	natsserver "github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/types/known/durationpb"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
)

// A stream has the events in the order of the log, from up to 16 attempts at a time. While the NATS server restarts nothing is lost,
// and nothing is in the stream twice.
func TestNATSStreamHasEachEventOnce(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	broker := startNATS(t, &natsserver.Options{Port: -1, StoreDir: data})
	port := broker.Addr().(*net.TCPAddr).Port
	c := config(t)
	c.AllowTargets, c.NATSServers = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, []string{broker.Addr().String()}
	postrider, stop := run(t, c)
	defer stop()
	publish := subscribeNATS(t, postrider.URL(), postrider.AdminKeyPath(), broker.ClientURL())
	first := publish(300)
	if got := eventsIn(t, broker, len(first)); !slices.Equal(got, first) {
		t.Errorf("the stream has %v", got)
	}
	stopNATS(broker)
	during := publish(300)
	broker = startNATS(t, &natsserver.Options{Port: port, StoreDir: data})
	after := publish(300)
	want := slices.Concat(first, during, after)
	got := eventsIn(t, broker, len(want))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the stream has %d events, %d of them distinct, want %d", len(got), len(slices.Compact(got)), len(want))
	}
}

func startNATS(t *testing.T, options *natsserver.Options) *natsserver.Server {
	t.Helper()
	options.Host, options.JetStream, options.NoSigs, options.NoLog = "127.0.0.1", true, true, true
	s, err := natsserver.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { stopNATS(s) })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the NATS server does not start")
	}
	return s
}

func stopNATS(s *natsserver.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// subscribeNATS makes a stream and a subscription to it, and returns a function that publishes events and returns their ids.
func subscribeNATS(t *testing.T, url, keyFile, broker string) (publish func(n int) []string) {
	t.Helper()
	streamOf(t, broker)
	key, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	authorized := connect.WithInterceptors(connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
			request.Header().Set("Authorization", "Bearer "+strings.TrimSpace(string(key)))
			return next(ctx, request)
		}
	}))
	_, err = postriderv1connect.NewSubscriptionServiceClient(http.DefaultClient, url, authorized).CreateSubscription(t.Context(),
		connect.NewRequest(&postriderv1.CreateSubscriptionRequest{Subscription: &postriderv1.Subscription{
			Name: "lake",
			Target: &postriderv1.Target{Config: &postriderv1.Target_Nats{Nats: &targetv1.Nats{
				Urls: []string{broker}, Subject: "events.{type}", Stream: "EVENTS",
			}}},
			Policy: &postriderv1.DeliveryPolicy{
				Concurrency:   16,
				RetrySchedule: slices.Repeat([]*durationpb.Duration{durationpb.New(200 * time.Millisecond)}, 50),
			},
		}}))
	if err != nil {
		t.Fatal(err)
	}
	events := postriderv1connect.NewEventServiceClient(http.DefaultClient, url, authorized)
	return func(n int) (ids []string) {
		for range n {
			response, err := events.Publish(t.Context(), connect.NewRequest(&postriderv1.PublishRequest{
				Event: &postriderv1.Event{Type: "order.created", Payload: &postriderv1.Event_JsonData{JsonData: `{"n":1}`}},
			}))
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, response.Msg.GetId())
		}
		return ids
	}
}

func streamOf(t *testing.T, broker string) jetstream.Stream {
	t.Helper()
	conn, err := natsgo.Connect(broker)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}})
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// eventsIn returns the ids of the events in the stream, in its order: all there are once the wanted number has come.
func eventsIn(t *testing.T, broker *natsserver.Server, want int) (ids []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	consumer, err := streamOf(t, broker.ClientURL()).OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for len(ids) < want {
		m, err := consumer.Next(jetstream.FetchMaxWait(time.Minute))
		if err != nil {
			t.Fatalf("after %d events: %v", len(ids), err)
		}
		if got := m.Subject(); got != "events.order.created" {
			t.Errorf("subject %s", got)
		}
		ids = append(ids, m.Headers().Get(jetstream.MsgIDHeader))
	}
	info, err := streamOf(t, broker.ClientURL()).Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if info.State.Msgs != uint64(want) {
		t.Errorf("the stream has %d messages, want %d", info.State.Msgs, want)
	}
	return ids
}
