package rpcstream_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/gen/go/postrider/v1/postriderv1connect"
	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/seal"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/stream/rpcstream"
	"github.com/postrider-dev/postrider/server/tail"
	"github.com/postrider-dev/postrider/server/wire"
)

// service is a log and a Subscribe that reads from it.
type service struct {
	postriderv1connect.UnimplementedEventServiceHandler
	t         *testing.T
	store     *store.Store
	tenant    *gateway.Tenant
	transport *rpcstream.Transport
}

func newService(t *testing.T) *service {
	t.Helper()
	dir := t.TempDir()
	ring, err := seal.LoadKeyring("", dir)
	if err != nil {
		t.Fatal(err)
	}
	log, err := store.Open(t.Context(), store.Config{Data: dir, Keyring: ring, Logger: slog.New(slog.DiscardHandler), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	recent := tail.New(log.Head(), tail.DefaultBytes)
	log.OnCommit(recent.Append)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- log.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, log.Close()); err != nil {
			t.Error(err)
		}
	})
	schemas := schema.NewRegistry()
	hub := stream.New(log, recent, filter.NewCompiler(schemas), make(chan struct{}))
	s := &service{t: t, store: log, transport: rpcstream.New(hub, func(payload gateway.PayloadFormat) wire.EventView {
		return wire.NewEventView(schemas, log.Cursor, payload)
	})}
	if s.tenant, err = log.TenantByName(t.Context(), gateway.DefaultTenant); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *service) Subscribe(
	ctx context.Context, request *connect.Request[postriderv1.SubscribeRequest], to *connect.ServerStream[postriderv1.SubscribeResponse],
) error {
	return s.transport.Subscribe(ctx, s.tenant, nil, request, to)
}

// publish commits n events at once.
func (s *service) publish(n int) {
	s.t.Helper()
	events := make([]store.NewEvent, n)
	for i := range events {
		events[i].Event = &gateway.Event{
			Tenant: s.tenant.ID, ID: fmt.Sprintf("e-%d-%d", s.store.Head(), i), Type: "a", Source: gateway.DefaultSource,
			Time: time.Now(), Data: []byte(`{"n": 9007199254740993}`),
		}
	}
	if _, err := s.store.Append(s.t.Context(), s.store.RegistryRevision(), events); err != nil {
		s.t.Fatal(err)
	}
}

// response keeps what is written and how often.
type response struct {
	header http.Header

	mu              sync.Mutex
	body            []byte
	writes, flushes int
}

func (r *response) Header() http.Header { return r.header }
func (r *response) WriteHeader(int)     {}

func (r *response) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes++
	r.body = append(r.body, p...)
	return len(p), nil
}

func (r *response) Flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flushes++
}

// take returns the messages written since the last call, and how many writes and flushes those took.
func (r *response) take() (messages [][]byte, writes, flushes int) {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.body) >= 5 {
		size := binary.BigEndian.Uint32(r.body[1:])
		messages, r.body = append(messages, r.body[5:5+size]), r.body[5+size:]
	}
	writes, flushes, r.writes, r.flushes = r.writes, r.flushes, 0, 0
	return messages, writes, flushes
}

// What is ready goes out in one write and one flush, in every encoding, and is what the codec would have made.
func TestABatchOfMessagesIsFlushedOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		contentType string
		request     *postriderv1.SubscribeRequest
	}{
		{"application/connect+proto", &postriderv1.SubscribeRequest{}},
		{"application/connect+json", &postriderv1.SubscribeRequest{}},
		{"application/grpc", &postriderv1.SubscribeRequest{PayloadFormat: postriderv1.PayloadFormat_PAYLOAD_FORMAT_JSON}},
		{"application/grpc-web+proto", &postriderv1.SubscribeRequest{Filters: []*named{{Name: "x"}, {Name: "y", Types: []string{"b"}}, {Name: "z"}}}},
		{"application/connect+json", &postriderv1.SubscribeRequest{Filters: []*named{{Name: "x"}, {Name: "y", Types: []string{"b"}}, {Name: "z"}}}},
	} {
		t.Run(tt.contentType, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newService(t)
				_, handler := postriderv1connect.NewEventServiceHandler(s, wire.Codecs(0))
				marshal, unmarshal := proto.Marshal, proto.Unmarshal
				if strings.HasSuffix(tt.contentType, "json") {
					marshal, unmarshal = protojson.Marshal, protojson.Unmarshal
				}
				message, err := marshal(tt.request)
				if err != nil {
					t.Fatal(err)
				}
				body := string(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))) + string(message)
				ctx, cancel := context.WithCancel(t.Context())
				request := httptest.NewRequestWithContext(ctx, http.MethodPost, postriderv1connect.EventServiceSubscribeProcedure, strings.NewReader(body))
				request.Header.Set("Content-Type", tt.contentType)
				request.ProtoMajor, request.ProtoMinor = 2, 0
				to, ended := &response{header: http.Header{}}, make(chan struct{})
				go func() {
					defer close(ended)
					s.transport.Coalesce(handler).ServeHTTP(to, request)
				}()
				if begin, _, flushes := to.take(); len(begin) != 1 || flushes == 0 {
					t.Errorf("it begins with %q and %d flushes", begin, flushes)
				}
				s.publish(50)
				messages, writes, flushes := to.take()
				if len(messages) != 50 || writes != 1 || flushes != 1 {
					t.Fatalf("%d messages in %d writes and %d flushes", len(messages), writes, flushes)
				}
				if strings.HasSuffix(tt.contentType, "json") {
					if want := `"data":{"n": 9007199254740993}`; !strings.Contains(string(messages[0]), want) {
						t.Errorf("%s, want %s", messages[0], want)
					}
				}
				got := &postriderv1.SubscribeResponse{}
				if err := unmarshal(messages[49], got); err != nil {
					t.Fatal(err)
				}
				if got.GetCursor() != s.store.Cursor(50).String() || got.GetEvent().GetId() != "e-0-49" ||
					fmt.Sprint(got.GetFilters()) != map[bool]string{true: "[x z]", false: "[]"}[len(tt.request.GetFilters()) > 0] {
					t.Errorf("got %v", got)
				}
				cancel()
				<-ended
			})
		})
	}
}
