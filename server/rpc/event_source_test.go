package rpc_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// eventSource reads server-sent events as a browser's EventSource does.
type eventSource struct {
	t      *testing.T
	lines  *bufio.Reader
	cancel context.CancelFunc
	header http.Header
	proto  string
	// chunked says that the answer comes in the chunks of HTTP/1.1.
	chunked bool
	// last is what a browser would send as Last-Event-ID; retry is what the server asked for.
	last  string
	retry time.Duration
}

// sent is one server-sent event.
type sent struct{ name, id, data string }

// id of the event of the log in a message.
func (s sent) eventID(t *testing.T) string {
	t.Helper()
	var event struct{ ID, Cursor string }
	if err := json.Unmarshal([]byte(s.data), &event); err != nil || event.Cursor != s.id {
		t.Fatalf("message %+v: cursor %q, %v", s, event.Cursor, err)
	}
	return event.ID
}

// listen opens a stream; header has names and values in turn.
func (w *world) listen(client *http.Client, key, query string, header ...string) *eventSource {
	w.t.Helper()
	response, cancel := w.open(client, key, query, header...)
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		text, _ := io.ReadAll(response.Body)
		w.t.Fatalf("?%s: %d %v %s", query, response.StatusCode, response.Header, text)
	}
	return &eventSource{
		t: w.t, lines: bufio.NewReader(response.Body), cancel: cancel, header: response.Header, proto: response.Proto,
		chunked: len(response.TransferEncoding) > 0,
	}
}

// open sends a request for a stream that has a minute to live.
func (w *world) open(client *http.Client, key, query string, header ...string) (*http.Response, context.CancelFunc) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	w.t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+streamPath+"?"+query, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = response.Body.Close() })
	return response, cancel
}

// next returns the next event of any name; false when the stream has ended.
func (s *eventSource) next() (sent, bool) {
	s.t.Helper()
	event := sent{name: "message"}
	var data []string
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return sent{}, false
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "data":
			data = append(data, value)
		case "event":
			event.name = value
		case "id":
			event.id, s.last = value, value
		case "retry":
			milliseconds, err := strconv.Atoi(value)
			if err != nil {
				s.t.Fatal(err)
			}
			s.retry = time.Duration(milliseconds) * time.Millisecond
		case "":
			if line == "\n" && data != nil {
				event.data = strings.Join(data, "\n")
				return event, true
			}
		default:
			s.t.Fatalf("line %q", line)
		}
	}
}

// expect wants the next event, pings left out, to have this name.
func (s *eventSource) expect(name string) sent {
	s.t.Helper()
	for {
		event, ok := s.next()
		if !ok {
			s.t.Fatalf("the stream ended, want %s", name)
		}
		if event.name == name {
			return event
		}
		if event.name != "ping" {
			s.t.Fatalf("got %+v, want %s", event, name)
		}
	}
}

// expectEvents wants the events of the log with these ids, in order.
func (s *eventSource) expectEvents(ids ...string) {
	s.t.Helper()
	for i, id := range ids {
		if got := s.expect("message").eventID(s.t); got != id {
			s.t.Fatalf("event %d is %s, want %s", i, got, id)
		}
	}
}

// lineReader reads a stream of JSON lines.
type lineReader struct {
	t     *testing.T
	lines *bufio.Reader
}

func (w *world) listenLines(query string, header ...string) *lineReader {
	w.t.Helper()
	response, _ := w.open(http.DefaultClient, adminKey, query, append(header, "Accept", "application/x-ndjson")...)
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/x-ndjson" {
		w.t.Fatalf("%d %v", response.StatusCode, response.Header)
	}
	return &lineReader{w.t, bufio.NewReader(response.Body)}
}

func (r *lineReader) next() string {
	r.t.Helper()
	line, err := r.lines.ReadString('\n')
	if err != nil || !json.Valid([]byte(line)) {
		r.t.Fatalf("line %q: %v", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

// nextEvent skips all other messages.
func (r *lineReader) nextEvent() string {
	r.t.Helper()
	for {
		if line := r.next(); strings.Contains(line, `"event":{`) {
			return line
		}
	}
}
