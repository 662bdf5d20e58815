package rpcstream_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	"github.com/postrider-dev/postrider/server/stream/streamtest"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		over    func(*streamtest.World) *http.Client
		options []connect.ClientOption
	}{
		"Connect":                 {(*streamtest.World).HTTP1, nil},
		"Connect in JSON, HTTP 2": {(*streamtest.World).HTTP2, []connect.ClientOption{connect.WithCodec(jsonCodec{})}},
		"gRPC":                    {(*streamtest.World).HTTP2, []connect.ClientOption{connect.WithGRPC()}},
		"gRPC-Web":                {(*streamtest.World).HTTP1, []connect.ClientOption{connect.WithGRPCWeb()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			streamtest.Run(t, func(t *testing.T, w *streamtest.World) streamtest.Transport {
				w.Serve(newAPI(t, w))
				calls := postriderv1connect.NewEventServiceClient(tt.over(w), streamtest.URL, tt.options...)
				return streamtest.Transport{Open: func(key string, request *postriderv1.SubscribeRequest) (streamtest.Stream, error) {
					return subscribe(calls, key, request)
				}}
			})
		})
	}
}

// subscription is a call of Subscribe.
type subscription struct {
	call   *connect.ServerStreamForClient[postriderv1.SubscribeResponse]
	cancel context.CancelFunc
}

func subscribe(calls postriderv1connect.EventServiceClient, key string, asked *postriderv1.SubscribeRequest) (*subscription, error) {
	request := connect.NewRequest(asked)
	request.Header().Set("Authorization", "Bearer "+key)
	ctx, cancel := context.WithCancel(context.Background())
	call, err := calls.Subscribe(ctx, request)
	if err != nil {
		cancel()
		return nil, streamtest.ConnectEnd(err)
	}
	return &subscription{call, cancel}, nil
}

// Next implements streamtest.Stream.
func (s *subscription) Next() (*postriderv1.SubscribeResponse, error) {
	if !s.call.Receive() {
		return nil, cmp.Or(streamtest.ConnectEnd(s.call.Err()), io.EOF)
	}
	return s.call.Msg(), nil
}

// Close implements streamtest.Stream.
func (s *subscription) Close() {
	s.cancel()
	_ = s.call.Close()
}

// jsonCodec is JSON as Connect has it, without a change to the text of payloads.
type jsonCodec struct{}

// Name implements connect.Codec.
func (jsonCodec) Name() string { return "json" }

// Marshal implements connect.Codec.
func (jsonCodec) Marshal(message any) ([]byte, error) {
	request, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is not a message", message)
	}
	return protojson.Marshal(request)
}

// Unmarshal implements connect.Codec.
func (jsonCodec) Unmarshal(text []byte, into any) error {
	response, ok := into.(*postriderv1.SubscribeResponse)
	if !ok {
		return fmt.Errorf("%T is not what a stream carries", into)
	}
	message, err := streamtest.ParseJSON(text)
	if err == nil {
		proto.Merge(response, message)
	}
	return err
}
