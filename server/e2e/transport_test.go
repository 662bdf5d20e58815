package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	"github.com/postrider-dev/postrider/server/grpctest"
)

// streamed is a message of a live stream, whatever carried it.
type streamed struct {
	begin bool
	// cursor is the place reached; empty where the message has none.
	cursor string
	// event is the id of an event.
	event string
	gap   string
}

// transport opens one live stream and gives each message to note, until note answers false, the context ends or the
// stream does.
type transport func(ctx context.Context, s *server, types []string, start string, note func(streamed) bool) error

// transports are all there are, by name.
var transports = map[string]transport{
	"connect binary, HTTP/2":   byConnect(cleartextHTTP2),
	"connect JSON, HTTP/1.1":   byConnect(http1, connect.WithProtoJSON()),
	"gRPC":                     byConnect(cleartextHTTP2, connect.WithGRPC()),
	"gRPC by grpc-go":          byGRPC,
	"gRPC-Web, HTTP/1.1":       byConnect(http1, connect.WithGRPCWeb()),
	"gRPC-Web JSON, HTTP/2":    byConnect(cleartextHTTP2, connect.WithGRPCWeb(), connect.WithProtoJSON()),
	"server-sent events":       bySSE(http1),
	"server-sent events, h2c":  bySSE(cleartextHTTP2),
	"lines of JSON":            byNDJSON(http1),
	"lines of JSON, by HTTP/2": byNDJSON(cleartextHTTP2),
	"WebSocket, JSON":          byWebSocket("postrider.v1.json"),
	"WebSocket, binary":        byWebSocket("postrider.v1.proto"),
}

const streamHeartbeat = 500 * time.Millisecond

func http1(p *http.Protocols)          { p.SetHTTP1(true) }
func cleartextHTTP2(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }

func newHTTPClient(protocol func(*http.Protocols)) *http.Client {
	protocols := new(http.Protocols)
	protocol(protocols)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}

func byConnect(protocol func(*http.Protocols), options ...connect.ClientOption) transport {
	return func(ctx context.Context, s *server, types []string, start string, note func(streamed) bool) error {
		over := newHTTPClient(protocol)
		defer over.CloseIdleConnections()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		events := postriderv1connect.NewEventServiceClient(over, s.url(), append(options, connect.WithInterceptors(bearer(adminKey)))...)
		stream, err := events.Subscribe(ctx, connect.NewRequest(subscribeRequest(types, start)))
		if err != nil {
			return err
		}
		for stream.Receive() {
			if !note(newStreamed(stream.Msg())) {
				return nil
			}
		}
		return stream.Err()
	}
}

func byGRPC(ctx context.Context, s *server, types []string, start string, note func(streamed) bool) error {
	conn, err := grpc.NewClient(s.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+adminKey)
	stream, err := grpctest.Events{Connection: conn}.Subscribe(ctx, subscribeRequest(types, start))
	if err != nil {
		return err
	}
	for {
		message, err := stream.Recv()
		if err != nil {
			return err
		}
		if !note(newStreamed(message)) {
			return nil
		}
	}
}

func subscribeRequest(types []string, start string) *postriderv1.SubscribeRequest {
	return &postriderv1.SubscribeRequest{Types: types, Start: start, HeartbeatInterval: durationpb.New(streamHeartbeat)}
}

func newStreamed(message *postriderv1.SubscribeResponse) streamed {
	m := streamed{cursor: message.GetCursor(), event: message.GetEvent().GetId(), begin: message.GetBegin() != nil}
	for _, gap := range []*postriderv1.Gap{message.GetBegin().GetGap(), message.GetGap()} {
		if gap != nil {
			m.gap = gap.GetMessage()
		}
	}
	return m
}

// openStream asks for a stream over plain HTTP, in the form that accept names. Who resumes does so as a browser would, by
// the header.
func openStream(ctx context.Context, protocol func(*http.Protocols), s *server, types []string, start, accept string) (io.ReadCloser, error) {
	query := url.Values{"types": {strings.Join(types, ",")}, "heartbeat": {streamHeartbeat.String()}}
	fresh := start == "earliest" || start == "now"
	if fresh {
		query.Set("start", start)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url()+"/v1/events/stream?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+adminKey)
	request.Header.Set("Accept", accept)
	if !fresh {
		request.Header.Set("Last-Event-ID", start)
	}
	response, err := newHTTPClient(protocol).Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return nil, errors.New(response.Status)
	}
	return response.Body, nil
}

// bySSE reads server-sent events as WHATWG HTML, section 9.2.6, says. A message that the connection cut short is none.
func bySSE(protocol func(*http.Protocols)) transport {
	return func(ctx context.Context, s *server, types []string, start string, note func(streamed) bool) error {
		body, err := openStream(ctx, protocol, s, types, start, "text/event-stream")
		if err != nil {
			return err
		}
		defer func() { _ = body.Close() }()
		name, id, data := "", "", ""
		lines := bufio.NewReader(body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return err
			}
			field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch field {
			case "event":
				name = value
			case "id":
				id = value
			case "data":
				data += value
			case "":
				if data != "" && !noteSSE(name, id, data, note) {
					return nil
				}
				name, data = "", ""
			}
		}
	}
}

func noteSSE(name, id, data string, note func(streamed) bool) bool {
	m := streamed{cursor: id, begin: name == "begin"}
	switch name {
	case "":
		var event struct{ ID string }
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			m.gap = fmt.Sprintf("not an event: %v: %.80s", err, data)
		}
		m.event = event.ID
	case "gap":
		m.gap = data
	case "end":
		return true
	}
	return note(m)
}

func byNDJSON(protocol func(*http.Protocols)) transport {
	return func(ctx context.Context, s *server, types []string, start string, note func(streamed) bool) error {
		body, err := openStream(ctx, protocol, s, types, start, "application/x-ndjson")
		if err != nil {
			return err
		}
		defer func() { _ = body.Close() }()
		lines := bufio.NewReader(body)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return err
			}
			m, err := readLine(bytes.TrimSuffix(line, []byte("\n")))
			if err != nil {
				return err
			}
			if !note(m) {
				return nil
			}
		}
	}
}

func readLine(line []byte) (streamed, error) {
	var message struct {
		Cursor string
		Begin  *struct{ Gap *struct{ Message string } }
		Event  *struct{ ID string }
		Gap    *struct{ Message string }
		End    *struct{}
	}
	if err := json.Unmarshal(line, &message); err != nil {
		return streamed{}, err
	}
	m := streamed{cursor: message.Cursor, begin: message.Begin != nil}
	switch {
	case message.End != nil:
		return m, io.EOF
	case message.Event != nil:
		m.event = message.Event.ID
	case message.Gap != nil:
		m.gap = message.Gap.Message
	case message.Begin != nil && message.Begin.Gap != nil:
		m.gap = message.Begin.Gap.Message
	}
	return m, nil
}

// byWebSocket subscribes over a WebSocket with a subprotocol.
func byWebSocket(subprotocol string) transport {
	return func(ctx context.Context, s *server, types []string, start string, note func(streamed) bool) error {
		socket, _, err := websocket.Dial(ctx, s.url()+"/v1/events/socket", &websocket.DialOptions{
			Subprotocols: []string{subprotocol}, HTTPHeader: http.Header{"Authorization": {"Bearer " + adminKey}},
		})
		if err != nil {
			return err
		}
		defer func() { _ = socket.CloseNow() }()
		socket.SetReadLimit(maxSocketMessage)
		request := &postriderv1.SocketRequest{Id: "1", Subscription: "s", Request: &postriderv1.SocketRequest_Subscribe{
			Subscribe: subscribeRequest(types, start),
		}}
		if err := sendSocket(ctx, socket, subprotocol, request); err != nil {
			return err
		}
		for {
			kind, data, err := socket.Read(ctx)
			if err != nil {
				return err
			}
			response, err := readSocket(kind, data)
			if err != nil {
				return err
			}
			switch {
			case response.GetError() != nil || response.GetEnd() != nil:
				return fmt.Errorf("the socket says: %v", response)
			case response.GetMessage() != nil && !note(newStreamed(response.GetMessage())):
				return nil
			}
		}
	}
}

const maxSocketMessage = 4 << 20

func sendSocket(ctx context.Context, socket *websocket.Conn, subprotocol string, request *postriderv1.SocketRequest) error {
	kind, data, err := websocket.MessageText, []byte(nil), error(nil)
	if subprotocol == "postrider.v1.json" {
		data, err = protojson.Marshal(request)
	} else {
		kind = websocket.MessageBinary
		data, err = proto.Marshal(request)
	}
	if err != nil {
		return err
	}
	return socket.Write(ctx, kind, data)
}

func readSocket(kind websocket.MessageType, data []byte) (*postriderv1.SocketResponse, error) {
	response := &postriderv1.SocketResponse{}
	if kind == websocket.MessageText {
		// Reasons are spelled as on other transports, which is no value of the enum to protojson.
		return response, protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, response)
	}
	return response, proto.Unmarshal(data, response)
}
