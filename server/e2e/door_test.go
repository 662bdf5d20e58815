package e2e_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/coder/websocket"
	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
)

// door is how a client comes to a server through a proxy.
type door struct {
	url  string
	http *http.Client
	// heartbeat is what streams ask for.
	heartbeat time.Duration
}

// following reads a stream of the events that publish makes, and passes on all that comes.
type following func(ctx context.Context, t *testing.T, through door, came func(text string))

func (d door) publish(ctx context.Context, t *testing.T, id string) {
	t.Helper()
	body := fmt.Sprintf(`{"event":{"id":%q,"type":"proxy.passed","data":{}}}`, id)
	response := d.send(ctx, t, http.MethodPost, "/postrider.v1.EventService/Publish", "application/json", strings.NewReader(body))
	if response.StatusCode != http.StatusOK {
		t.Errorf("publish: %s", response.Status)
	}
	_ = response.Body.Close()
}

func (d door) send(ctx context.Context, t *testing.T, method, path, contentType string, body io.Reader) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, d.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+adminKey)
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Accept", contentType)
	response, err := d.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func followRPC(options ...connect.ClientOption) following {
	return func(ctx context.Context, t *testing.T, through door, came func(string)) {
		request := connect.NewRequest(&postriderv1.SubscribeRequest{
			Types: []string{"proxy.*"}, Start: "now", HeartbeatInterval: durationpb.New(through.heartbeat),
		})
		request.Header().Set("Authorization", "Bearer "+adminKey)
		stream, err := postriderv1connect.NewEventServiceClient(through.http, through.url, options...).Subscribe(ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		for stream.Receive() {
			came(stream.Msg().String())
		}
	}
}

// followByHand reads envelopes, as a browser does, which accepts compression.
func followByHand(ctx context.Context, t *testing.T, through door, came func(string)) {
	message := fmt.Sprintf(`{"types":["proxy.*"],"start":"now","heartbeatInterval":"%.1fs"}`, through.heartbeat.Seconds())
	envelope := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	response := through.send(ctx, t, http.MethodPost, "/postrider.v1.EventService/Subscribe", "application/connect+json",
		bytes.NewReader(append(envelope, message...)))
	defer func() { _ = response.Body.Close() }()
	for head := make([]byte, 5); ; {
		if _, err := io.ReadFull(response.Body, head); err != nil {
			return
		}
		text := make([]byte, binary.BigEndian.Uint32(head[1:]))
		if _, err := io.ReadFull(response.Body, text); err != nil {
			return
		}
		came(string(text))
	}
}

func followLines(accept string) following {
	return func(ctx context.Context, t *testing.T, through door, came func(string)) {
		path := fmt.Sprintf("/v1/events/stream?types=proxy.*&start=now&heartbeat=%v", through.heartbeat)
		response := through.send(ctx, t, http.MethodGet, path, accept, nil)
		defer func() { _ = response.Body.Close() }()
		for chunk := make([]byte, 64<<10); ; {
			n, err := response.Body.Read(chunk)
			if err != nil {
				return
			}
			came(string(chunk[:n]))
		}
	}
}

func followSocket(ctx context.Context, t *testing.T, through door, came func(string)) {
	socket, _, err := websocket.Dial(ctx, through.url+"/v1/events/socket", &websocket.DialOptions{
		Subprotocols: []string{"postrider.v1.json"}, HTTPHeader: http.Header{"Authorization": {"Bearer " + adminKey}},
		HTTPClient: through.http,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.CloseNow() }()
	subscribe := fmt.Sprintf(`{"id":"1","subscription":"s","subscribe":{"types":["proxy.*"],"start":"now","heartbeatInterval":"%.1fs"}}`, through.heartbeat.Seconds())
	if err := socket.Write(ctx, websocket.MessageText, []byte(subscribe)); err != nil {
		t.Fatal(err)
	}
	for begun := false; ; {
		_, text, err := socket.Read(ctx)
		if err != nil {
			return
		}
		// The connection's own messages come before those of the stream.
		if begun = begun || strings.Contains(string(text), `"begin"`); begun {
			came(string(text))
		}
	}
}

// passes shows that a stream gets its first message, and an event that is published after the stream was open for a time.
func (d door) passes(t *testing.T, id string, after time.Duration, follow following) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	published := false
	var begun time.Time
	follow(ctx, t, d, func(text string) {
		if begun.IsZero() { // the first message is there
			begun = time.Now()
		}
		if !published && time.Since(begun) >= after {
			published = true
			d.publish(ctx, t, id)
		}
		if strings.Contains(text, id) {
			cancel()
		}
	})
	if ctx.Err() != context.Canceled {
		t.Errorf("the event did not come; the stream was open for %v", time.Since(begun).Round(time.Millisecond))
	}
}
