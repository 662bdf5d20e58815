package sse_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/stream/sse"
	"github.com/postrider-dev/postrider/server/stream/streamtest"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		over   func(*streamtest.World) *http.Client
		accept string
		next   func(*body) (*postriderv1.SubscribeResponse, error)
	}{
		"SSE":         {(*streamtest.World).HTTP1, "text/event-stream", (*body).nextEvent},
		"SSE, HTTP 2": {(*streamtest.World).HTTP2, "text/event-stream", (*body).nextEvent},
		"NDJSON":      {(*streamtest.World).HTTP1, "application/x-ndjson", (*body).nextLine},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			streamtest.Run(t, func(_ *testing.T, w *streamtest.World) streamtest.Transport {
				w.Serve(newTransport(w))
				client := tt.over(w)
				return streamtest.Transport{InLines: true, Open: func(key string, request *postriderv1.SubscribeRequest) (streamtest.Stream, error) {
					return get(client, key, tt.accept, request, tt.next)
				}}
			})
		})
	}
}

// body is the response to a request for a stream.
type body struct {
	io.Closer
	*bufio.Reader
	next func(*body) (*postriderv1.SubscribeResponse, error)
}

func get(
	client *http.Client, key, accept string, asked *postriderv1.SubscribeRequest, next func(*body) (*postriderv1.SubscribeResponse, error),
) (*body, error) {
	request, err := http.NewRequest(http.MethodGet, streamtest.URL+sse.Path+"?"+query(asked).Encode(), http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", accept)
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		defer func() { _ = response.Body.Close() }()
		return nil, streamtest.HTTPEnd(response.Body)
	}
	return &body{response.Body, bufio.NewReader(response.Body), next}, nil
}

// query writes a request as the query of an address.
func query(asked *postriderv1.SubscribeRequest) url.Values {
	values := url.Values{}
	policy := strings.ToLower(strings.TrimPrefix(asked.GetSlowPolicy().String(), "SLOW_POLICY_"))
	for name, value := range map[string]string{
		"tenant": asked.GetTenant(), "types": strings.Join(asked.GetTypes(), ","), "expression": asked.GetExpression(),
		"start": asked.GetStart(), "slow_policy": strings.TrimPrefix(policy, "unspecified"),
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if interval := asked.GetHeartbeatInterval(); interval != nil {
		values.Set("heartbeat", interval.AsDuration().String())
	}
	for _, one := range asked.GetFilters() {
		values.Add("filter", protojson.Format(one))
	}
	return values
}

// Next implements streamtest.Stream.
func (b *body) Next() (*postriderv1.SubscribeResponse, error) { return b.next(b) }

// Close implements streamtest.Stream.
func (b *body) Close() { _ = b.Closer.Close() }

// nextLine reads a message of NDJSON.
func (b *body) nextLine() (*postriderv1.SubscribeResponse, error) {
	line, err := b.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var last struct{ End *streamtest.End }
	if err := json.Unmarshal(line, &last); err != nil {
		return nil, fmt.Errorf("%s: %w", line, err)
	}
	if last.End != nil {
		return nil, last.End
	}
	return streamtest.ParseJSON(line)
}

// parts are what the names of events are called in the messages of other transports.
var parts = map[string]string{"": "event", "begin": "begin", "ping": "heartbeat", "gap": "gap", "dropped": "dropped"}

// nextEvent reads a message of SSE.
func (b *body) nextEvent() (*postriderv1.SubscribeResponse, error) {
	name, id, data, err := b.readEvent()
	if err != nil {
		return nil, err
	}
	var around struct {
		Cursor  string
		Filters []string
	}
	if name == "end" {
		end := &streamtest.End{}
		return nil, cmp.Or[error](json.Unmarshal(data, end), end)
	}
	if err := json.Unmarshal(data, &around); err != nil || parts[name] == "" {
		return nil, fmt.Errorf("event %q with %s: %w", name, data, err)
	}
	message, err := streamtest.ParseJSON(fmt.Appendf(nil, `{%q:%s}`, parts[name], data))
	if err == nil {
		message.Cursor, message.Filters = cmp.Or(id, around.Cursor), around.Filters
	}
	return message, err
}

// readEvent reads up to the end of an event that has data.
func (b *body) readEvent() (name, id string, data []byte, err error) {
	for {
		line, err := b.ReadBytes('\n')
		if err != nil {
			return "", "", nil, err
		}
		if len(line) == 1 && data != nil {
			return name, id, data, nil
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), ": ")
		switch field {
		case "event":
			name = value
		case "id":
			id = value
		case "data":
			data = append(data, value...)
		}
	}
}
