package websocket_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	library "github.com/coder/websocket"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream/streamtest"
	"github.com/postrider-dev/postrider/server/stream/websocket"
	"github.com/postrider-dev/postrider/server/wire"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{websocket.JSONProtocol, websocket.BinaryProtocol} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			streamtest.Run(t, func(t *testing.T, w *streamtest.World) streamtest.Transport {
				serve(t, w, w.Store)
				client := w.HTTP1()
				return streamtest.Transport{Open: func(key string, request *postriderv1.SubscribeRequest) (streamtest.Stream, error) {
					return subscribe(client, protocol, key, request)
				}}
			})
		})
	}
}

// subscription is the only one of a connection.
type subscription struct {
	conn *library.Conn
	// kind is that of the messages, and read reads one of the server's.
	kind library.MessageType
	read func([]byte) (*postriderv1.SubscribeResponse, error)
}

func subscribe(client *http.Client, protocol, key string, asked *postriderv1.SubscribeRequest) (streamtest.Stream, error) {
	conn, response, err := library.Dial(context.Background(), streamtest.URL+websocket.Path, &library.DialOptions{
		HTTPClient: client, HTTPHeader: http.Header{"Authorization": {"Bearer " + key}}, Subprotocols: []string{protocol},
	})
	if err != nil && response != nil {
		return nil, streamtest.HTTPEnd(response.Body)
	}
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1)
	s := &subscription{conn, library.MessageBinary, readBinary}
	encode := proto.Marshal
	if protocol == websocket.JSONProtocol {
		s.kind, s.read, encode = library.MessageText, readJSON, protojson.Marshal
	}
	if _, _, err := conn.Read(context.Background()); err != nil { // The client is ready.
		return nil, err
	}
	request, err := encode(&postriderv1.SocketRequest{
		Subscription: "s", Request: &postriderv1.SocketRequest_Subscribe{Subscribe: asked},
	})
	if err != nil {
		return nil, err
	}
	return s, conn.Write(context.Background(), s.kind, request)
}

// Next implements streamtest.Stream.
func (s *subscription) Next() (*postriderv1.SubscribeResponse, error) {
	kind, text, err := s.conn.Read(context.Background())
	if err == nil && kind != s.kind {
		err = fmt.Errorf("a message of kind %v", kind)
	}
	if err != nil {
		return nil, err
	}
	return s.read(text)
}

// Close implements streamtest.Stream.
func (s *subscription) Close() { _ = s.conn.CloseNow() }

func readJSON(text []byte) (*postriderv1.SubscribeResponse, error) {
	var told struct {
		Message json.RawMessage
		End     *streamtest.End
		Error   *struct {
			streamtest.End
			Violations []struct{ Field string }
		}
	}
	switch err := json.Unmarshal(text, &told); {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", text, err)
	case told.End != nil:
		return nil, told.End
	case told.Error != nil:
		for _, violation := range told.Error.Violations {
			told.Error.Fields = append(told.Error.Fields, violation.Field)
		}
		return nil, &told.Error.End
	default:
		return streamtest.ParseJSON(told.Message)
	}
}

func readBinary(text []byte) (*postriderv1.SubscribeResponse, error) {
	response := &postriderv1.SocketResponse{}
	if err := proto.Unmarshal(text, response); err != nil {
		return nil, err
	}
	if end := response.GetEnd(); end != nil {
		return nil, &streamtest.End{
			Code: end.GetCode(), Reason: reason(end.GetReason()), Message: end.GetMessage(), Reconnect: end.GetReconnect(), Cursor: end.GetCursor(),
		}
	}
	if refused := response.GetError(); refused != nil {
		end := &streamtest.End{Code: refused.GetCode(), Reason: reason(refused.GetReason()), Message: refused.GetMessage()}
		for _, violation := range refused.GetViolations() {
			end.Fields = append(end.Fields, violation.GetField())
		}
		return nil, end
	}
	return response.GetMessage(), nil
}

func reason(of postriderv1.ErrorReason) string { return wire.ReasonName(gateway.Reason(of)) }
