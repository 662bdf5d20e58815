package rpcstream_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream/streamtest"
)

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
				w := streamtest.New(t)
				api := newAPI(t, w)
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
				request.Header.Set("Authorization", "Bearer "+streamtest.AdminKey)
				request.ProtoMajor, request.ProtoMinor = 2, 0
				to, ended := &response{header: http.Header{}}, make(chan struct{})
				go func() {
					defer close(ended)
					api.ServeHTTP(to, request)
				}()
				if begin, _, flushes := to.take(); len(begin) != 1 || flushes == 0 {
					t.Errorf("it begins with %q and %d flushes", begin, flushes)
				}
				w.Publish(50, &gateway.Event{Data: []byte(`{"n": 9007199254740993}`)})
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
				if got.GetCursor() != w.Cursor() || got.GetEvent().GetId() != "e-0-49" ||
					fmt.Sprint(got.GetFilters()) != map[bool]string{true: "[x z]", false: "[]"}[len(tt.request.GetFilters()) > 0] {
					t.Errorf("got %v", got)
				}
				cancel()
				<-ended
			})
		})
	}
}
