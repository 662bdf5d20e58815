package rpc_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server"
)

// Sixty lists of one key, whose client read none of them, took 700 MB of a server that may use 256, and every other tenant waited for 14 s.
// What reads answer is charged as what calls send is: those beyond are refused, and can be had again when the others are gone.
func TestAnswersThatNobodyReadsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *server.Config) { c.Memory = 64 }) // Of which 48 MiB are for calls, and half of that for a key.
	text := strings.Repeat("x", 100_000)
	for range 45 {
		w.publish("order.created", `{"text":"`+text+`"}`)
	}
	const calls = 20
	answered := make(chan *http.Response, calls)
	for range calls {
		go func() { answered <- w.askAndNotRead("EventService/ListEvents", `{"pageSize":1000}`) }()
	}
	var open []*http.Response
	statuses := map[int]int{}
	for range calls {
		select {
		case response := <-answered:
			open = append(open, response)
			statuses[response.StatusCode]++
		case <-soon(t).Done():
			t.Fatalf("no more answers after %v", statuses)
		}
	}
	// A list is 4 MiB, which count four times, so that a second one has no room.
	if want := map[int]int{http.StatusOK: 1, http.StatusServiceUnavailable: calls - 1}; !maps.Equal(statuses, want) {
		t.Errorf("%d lists of which nobody reads anything are answered %v, want %v", calls, statuses, want)
	}
	got := w.post("/postrider.v1.EventService/ListEvents", adminKey, `{"pageSize":1000}`)
	if got.status != http.StatusServiceUnavailable || got.error(t).reason() != "OVERLOADED" || got.header.Get("Retry-After") == "" {
		t.Errorf("one more is answered %d %s", got.status, got.body[:min(len(got.body), 200)])
	}
	w.publish("order.created", `{}`)
	for _, one := range open {
		_ = one.Body.Close()
	}
	patience := soon(t)
	for w.post("/postrider.v1.EventService/ListEvents", adminKey, `{"pageSize":1000}`).status != http.StatusOK {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-patience.Done():
			t.Fatal("no list is answered although the others have left")
		}
	}
}

// askAndNotRead calls a method, and returns when the status of the answer is there. Nothing of its body is read, and HTTP/2 says so to
// the server: the operating system would take 4 MiB for a client of HTTP/1.1, and the server would be rid of them. Compressed, the answer
// would be small.
func (w *world) askAndNotRead(method, body string) *http.Response {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{
		Protocols: protocols, DisableCompression: true,
		HTTP2: &http.HTTP2Config{MaxReceiveBufferPerConnection: 64 << 10, MaxReceiveBufferPerStream: 64 << 10},
	}
	w.t.Cleanup(transport.CloseIdleConnections)
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/postrider.v1."+method, strings.NewReader(body))
	if err != nil {
		w.t.Error(err)
		return &http.Response{Body: http.NoBody}
	}
	request.Header.Set("Authorization", "Bearer "+adminKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := transport.RoundTrip(request)
	if err != nil {
		w.t.Error(err)
		return &http.Response{Body: http.NoBody}
	}
	w.t.Cleanup(func() { _ = response.Body.Close() })
	return response
}
